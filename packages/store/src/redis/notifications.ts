import type { Notification } from '@moltbot/shared';
import { checkLetterCursor, timeLength } from '../listing.ts';
import type {
  BatchEnd,
  DeliveryState,
  DueDelivery,
  NewBatch,
  NotificationDelivery,
  NotificationPage,
  NotificationRecord,
  NotificationStore,
  StoredBatch,
} from '../notifications-port.ts';
import type { RedisClient } from './client.ts';
import { keys } from './keys.ts';
import { notificationScripts as scripts } from './lua/notification-scripts.ts';
import type { Tenants } from './tenants.ts';

/** As the scripts write it. */
interface StoredDelivery {
  readonly state: DeliveryState;
  readonly key: string;
  readonly group: string;
  readonly urgent: '0' | '1';
  readonly tries: number;
  readonly error?: string;
  readonly changed: string;
}

export function createNotificationCalls(client: RedisClient, tenants: Tenants): NotificationStore {
  return {
    async addNotification(notification, deliveries) {
      const { tenant, id } = notification;
      await tenants.add(tenant);
      const args = deliveries.flatMap(({ channel, key, group, delayMs, urgent }) => [
        ...[channel, key, group, delayMs, urgent ? 1 : 0],
      ]);
      const added = await client.run(
        scripts.add,
        [
          ...[keys.notification(tenant, id), keys.notificationOrder(tenant)],
          ...[keys.deliveriesDue(tenant), keys.notificationsSettled(tenant)],
        ],
        [id, JSON.stringify(notification), keys.groupPrefix(tenant), ...args],
      );
      return added === 1 ? 'new' : 'known';
    },
    async dueDeliveries(tenant, limit) {
      const args = [limit, keys.notificationPrefix(tenant)];
      const reply = (await client.run(scripts.due, [keys.deliveriesDue(tenant)], args)) as string[];
      return Array.from({ length: reply.length / 3 }, (_, index) => dueOf(reply.slice(index * 3, index * 3 + 3)));
    },
    async holdDeliveries(tenant, channel, ids, delayMs) {
      const args = [keys.notificationPrefix(tenant), channel, delayMs, ...ids];
      await client.run(scripts.hold, [keys.deliveriesDue(tenant)], args);
    },
    gatherBatch: (batch) => gather(client, batch),
    async dueBatches(tenant, limit) {
      const args = [limit, keys.batchPrefix(tenant), keys.notificationPrefix(tenant)];
      const reply = (await client.run(scripts.dueBatches, [keys.batchesDue(tenant)], args)) as BatchReply[];
      return reply.map((found) => batchOf(tenant, found));
    },
    settleBatch: (tenant, id, end) => settle(client, { tenant, id, end }),
    async getNotification(tenant, id) {
      const reply = (await client.command('HGETALL', keys.notification(tenant, id))) as string[];
      return reply.length === 0 ? undefined : recordOf(reply);
    },
    listNotifications: (tenant, query) => list(client, tenant, query),
  };
}

/** Forgets notifications whose deliveries have all ended long ago, a bounded number a call. What was told expires by itself. */
export async function expireNotifications(
  client: RedisClient,
  tenant: string,
  keptMs: number,
  limit: number,
): Promise<void> {
  const names = [keys.notificationsSettled(tenant), keys.notificationOrder(tenant)];
  await client.run(scripts.expire, names, [keptMs, limit, keys.notificationPrefix(tenant)]);
}

async function gather(client: RedisClient, batch: NewBatch): Promise<number> {
  const { tenant, id, channel, kind, matters, repeatAfterMs } = batch;
  const names = [
    ...[keys.deliveriesDue(tenant), keys.batchesDue(tenant)],
    ...[keys.batch(tenant, id), keys.notificationsSettled(tenant)],
  ];
  const prefixes = [keys.notificationPrefix(tenant), keys.toldPrefix(tenant)];
  const listed = matters.flatMap(({ key, ids }) => [key, ids.length, ...ids]);
  return Number(await client.run(scripts.gather, names, [...prefixes, id, channel, kind, repeatAfterMs, ...listed]));
}

async function settle(
  client: RedisClient,
  { tenant, id, end }: { readonly tenant: string; readonly id: string; readonly end: BatchEnd },
): Promise<boolean> {
  const names = [keys.batch(tenant, id), keys.batchesDue(tenant), keys.notificationsSettled(tenant)];
  const prefixes = [keys.notificationPrefix(tenant), keys.toldPrefix(tenant)];
  const error = end.kind === 'sent' ? '' : end.error;
  const delayMs = end.kind === 'retry' ? end.delayMs : 0;
  return (await client.run(scripts.settle, names, [...prefixes, id, end.kind, error, delayMs])) === 1;
}

async function list(
  client: RedisClient,
  tenant: string,
  { limit, cursor }: Parameters<NotificationStore['listNotifications']>[1],
): Promise<NotificationPage> {
  const below = checkLetterCursor(cursor);
  const args = [below === undefined ? '+' : `(${below}`, limit + 1, timeLength, keys.notificationPrefix(tenant)];
  const reply = await client.run(scripts.list, [keys.notificationOrder(tenant)], args);
  const found = reply as [position: string, fields: string[]][];
  const last = found[limit - 1];
  return {
    notifications: found.slice(0, limit).map(([, fields]) => recordOf(fields)),
    ...(found.length > limit && last && { cursor: last[0] }),
  };
}

function dueOf([channel = '', delivery = '', notification = '']: readonly string[]): DueDelivery {
  const { key, group, urgent, state }: StoredDelivery = JSON.parse(delivery);
  const parsed: Notification = JSON.parse(notification);
  return { notification: parsed, channel, key, group, urgent: urgent === '1', held: state === 'held' };
}

type BatchReply = [id: string, channel: string, kind: NewBatch['kind'], made: string, tries: string, items: string[]];

function batchOf(tenant: string, [id, channel, kind, made, tries, found]: BatchReply): StoredBatch {
  const items = Array.from({ length: found.length / 2 }, (_, index) => ({
    repeats: Number(found[index * 2]),
    notification: JSON.parse(found[index * 2 + 1] ?? '') as Notification,
  }));
  return { tenant, id, channel, kind, at: Number(made), tries: Number(tries), items };
}

/** @param reply names and values, in turn */
function recordOf(reply: readonly string[]): NotificationRecord {
  const fields = new Map(Array.from({ length: reply.length / 2 }, (_, at) => [reply[at * 2], reply[at * 2 + 1]]));
  const deliveries: NotificationDelivery[] = [];
  for (const [name = '', value = ''] of fields) {
    if (!name.startsWith('d:')) continue;
    const { state, tries, error, changed }: StoredDelivery = JSON.parse(value);
    const shown = { channel: name.slice(2), state, tries, changedAt: Number(changed) };
    deliveries.push({ ...shown, ...(error !== undefined && { error }) });
  }
  deliveries.sort((a, b) => (a.channel < b.channel ? -1 : 1));
  return { notification: JSON.parse(fields.get('json') ?? ''), addedAt: Number(fields.get('added')), deliveries };
}
