import { type Clock, type Logger, type MessageJournal, type ServiceHealth, systemClock } from '@moltbot/shared';
import { lostAfterMs as defaultLostAfterMs } from '../expiry.ts';
import type { Store } from '../port.ts';
import type { Retention } from '../retention.ts';
import { createWatchers } from '../watchers.ts';
import { createClaimCalls } from './claims.ts';
import { createDatabase } from './database.ts';
import { expire } from './expire.ts';
import { createExpiryCalls } from './expiry.ts';
import { createJournal } from './journal.ts';
import { createLimitCalls } from './limits.ts';
import { createNotificationCalls } from './notifications.ts';
import { createOccurrenceCalls } from './occurrences.ts';
import { createOutputCalls } from './output.ts';
import { createRecordCalls } from './records.ts';
import { createReplyCalls } from './replies.ts';
import { createRunCalls } from './runs.ts';
import { createScheduleCalls } from './schedules.ts';
import type { DoStep } from './tables.ts';
import { createTaskCalls } from './tasks.ts';

export interface SqliteStoreOptions {
  /** Path of the database; its directory must exist. `:memory:` keeps nothing. */
  readonly file: string;
  readonly retention: Retention;
  readonly clock?: Clock;
  readonly log: Logger;
  /** How long the messages of a task are waited for when the store has lost its records, ms. Default 15 min. */
  readonly lostAfterMs?: number | undefined;
}

/** The store of one process, and the journal of the embedded bus in the same file. */
export type SqliteStore = Store & { readonly journal: MessageJournal };

/**
 * The embedded store. A resolved promise means: on disk. Its file is held by one process:
 * `start` throws MOLT_STORE_DOWN when another has it, or when it cannot be opened.
 */
export function createSqliteStore({
  file,
  retention,
  clock = systemClock,
  log,
  lostAfterMs = defaultLostAfterMs,
}: SqliteStoreOptions): SqliteStore {
  const database = createDatabase(file);
  const changes = createWatchers();
  const ends = createWatchers();
  const wake = (tenant: string, taskId: string, hasEnded: boolean): void => {
    const topic = topicOf(tenant, taskId);
    changes.wake(topic);
    if (hasEnded) ends.wake(topic);
  };
  const step: DoStep = (work) => database.step((sql) => work({ sql, now: clock.now(), wake }));
  return {
    name: 'store',
    async start() {
      database.open();
      log.info({ file }, 'the store is open');
    },
    async quiesce() {},
    async stop() {
      database.close();
    },
    health: () => healthOf(database.fault()),
    ...createTaskCalls(step),
    ...createClaimCalls(step, lostAfterMs),
    ...createRunCalls(step),
    ...createExpiryCalls(step),
    ...createOutputCalls(step),
    ...createReplyCalls(step),
    ...createLimitCalls(step),
    ...createNotificationCalls(step),
    ...createScheduleCalls(step),
    ...createOccurrenceCalls(step),
    ...createRecordCalls(step),
    watchTask: (tenant, taskId, onChange) => changes.add(topicOf(tenant, taskId), () => onChange()),
    watchEnd(tenant, taskId, onEnd) {
      // A look costs next to nothing here; it finds a task that has ended already.
      queueMicrotask(() => onEnd());
      return ends.add(topicOf(tenant, taskId), () => onEnd());
    },
    expire: () => step((at) => expire(at, retention)),
    journal: createJournal(database),
  };
}

const healthOf = (fault: string | undefined): ServiceHealth =>
  fault === undefined ? { ok: true } : { ok: false, detail: fault };

const topicOf = (tenant: string, taskId: string): string => `${tenant}:${taskId}`;
