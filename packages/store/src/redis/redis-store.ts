import type { Logger, Secret } from '@moltbot/shared';
import { lostAfterMs as defaultLostAfterMs } from '../expiry.ts';
import type { Store } from '../port.ts';
import type { Retention } from '../retention.ts';
import { createClaimCalls } from './claims.ts';
import { createRedisClient, type RedisClient } from './client.ts';
import { createExpiryCalls } from './expiry.ts';
import { keys } from './keys.ts';
import { createLimitCalls } from './limits.ts';
import { taskScripts } from './lua/task-scripts.ts';
import { createNotices, type Notices } from './notices.ts';
import { createNotificationCalls, expireNotifications } from './notifications.ts';
import { createOccurrenceCalls, expireOccurrences } from './occurrences.ts';
import { createOutputCalls } from './output.ts';
import { createRecordCalls, expireRecords } from './records.ts';
import { createReplyCalls, expireLetters } from './replies.ts';
import { createRunCalls } from './runs.ts';
import { createScheduleCalls } from './schedules.ts';
import { createTaskCalls } from './tasks.ts';
import { createTenants, type Tenants } from './tenants.ts';

export interface RedisStoreOptions {
  /** `redis://user:password@host:port/db`, or `rediss://` for TLS. */
  readonly url: Secret;
  readonly retention: Retention;
  readonly log: Logger;
  /** How long the messages of a task are waited for when the store has lost its records, ms. Default 15 min. */
  readonly lostAfterMs?: number | undefined;
}

/** The shared store of many processes. `start` resolves even when Redis is not there yet: it is tried again for ever. */
export function createRedisStore({ url, retention, log, lostAfterMs = defaultLostAfterMs }: RedisStoreOptions): Store {
  const client: RedisClient = createRedisClient({
    url,
    log,
    onReady: () => tenants.recheck(),
    onMessage: (channel, message) => notices.onMessage(channel, message),
    onListening: () => notices.onListening(),
  });
  const notices: Notices = createNotices(() => client);
  const tenants: Tenants = createTenants(client);
  return {
    name: 'store',
    start: client.start,
    async quiesce() {},
    stop: client.stop,
    health() {
      const detail = client.fault();
      return detail === undefined ? { ok: true } : { ok: false, detail };
    },
    ...createTaskCalls(client, tenants),
    ...createClaimCalls({ client, tenants, lostAfterMs }),
    ...createRunCalls(client, retention),
    ...createExpiryCalls(client),
    ...createOutputCalls(client),
    ...createReplyCalls({ client, tenants, retention }),
    ...createLimitCalls(client),
    ...createNotificationCalls(client, tenants),
    ...createScheduleCalls(client, tenants),
    ...createOccurrenceCalls(client),
    ...createRecordCalls(client, tenants),
    watchTask: notices.watchTask,
    watchEnd: notices.watchEnd,
    expire: () => expire(client, tenants, retention),
  };
}

/** Bound one call, as Redis does nothing else meanwhile. */
const tasksPerTenant = 200;
const lettersPerTenant = 200;
const notificationsPerTenant = 200;

/** Output, and what is remembered of replies, need nothing: they expire by themselves. */
async function expire(client: RedisClient, tenants: Tenants, retention: Retention): Promise<number> {
  const { tasksMs, occurrencesMs = tasksMs } = retention;
  let forgotten = 0;
  for (const tenant of await tenants.all()) {
    const names = [keys.ended(tenant), keys.tasks(tenant), keys.unpublished(tenant), keys.unanswered(tenant)];
    const prefixes = [
      ...[keys.taskPrefix(tenant), keys.runPrefix(tenant), keys.eventsPrefix(tenant)],
      ...[keys.outputPrefix(tenant, 'stdout'), keys.outputPrefix(tenant, 'stderr'), keys.idempotencyPrefix(tenant)],
    ];
    await expireLetters(client, tenant, tasksMs, lettersPerTenant);
    await expireNotifications(client, tenant, tasksMs, notificationsPerTenant);
    await expireOccurrences(client, tenant, occurrencesMs);
    await expireRecords(client, tenant);
    forgotten += Number(await client.run(taskScripts.expire, names, [tasksMs, tasksPerTenant, ...prefixes]));
  }
  return forgotten;
}
