import type { Notification } from '@moltbot/shared';
import { checkLetterCursor, timeLength, timePosition } from '../listing.ts';
import type {
  DeliveryState,
  DueDelivery,
  NewDelivery,
  NotificationPage,
  NotificationRecord,
  NotificationStore,
} from '../notifications-port.ts';
import { createBatchCalls } from './notification-batches.ts';
import type { DoStep, Step } from './tables.ts';

interface NotificationRow {
  readonly id: string;
  readonly added_at: number;
  readonly notification: string;
}

interface DeliveryRow {
  readonly channel: string;
  readonly state: DeliveryState;
  readonly tries: number;
  readonly error: string | null;
  readonly changed_at: number;
}

export function createNotificationCalls(step: DoStep): NotificationStore {
  return {
    addNotification: (notification, deliveries) => step((at) => add(at, notification, deliveries)),
    dueDeliveries: (tenant, limit) => step((at) => due(at, tenant, limit)),
    holdDeliveries: (tenant, channel, ids, delayMs) =>
      step(({ sql, now }) => {
        const text = `UPDATE notification_deliveries SET state = 'held', due_at = ?, changed_at = ?
          WHERE tenant = ? AND id = ? AND channel = ? AND due_at IS NOT NULL`;
        for (const id of ids) sql.run(text, now + delayMs, now, tenant, id, channel);
      }),
    ...createBatchCalls(step),
    getNotification: (tenant, id) =>
      step((at) => {
        const text = 'SELECT id, added_at, notification FROM notifications WHERE tenant = ? AND id = ?';
        const row = at.sql.get<NotificationRow>(text, tenant, id);
        return row && recordOf(at, tenant, row);
      }),
    async listNotifications(tenant, { limit, cursor }) {
      const below = checkLetterCursor(cursor);
      return step((at) => list(at, { tenant, limit, below }));
    },
  };
}

function add(
  { sql, now }: Step,
  notification: Notification,
  deliveries: readonly NewDelivery[],
): ReturnType<typeof outcomeOf> {
  const { tenant, id } = notification;
  const { changes } = sql.run(
    `INSERT INTO notifications (tenant, id, added_at, notification, open, settled_at) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT DO NOTHING`,
    ...[tenant, id, now, JSON.stringify(notification), deliveries.length, deliveries.length === 0 ? now : null],
  );
  if (changes === 0) return outcomeOf(changes);
  for (const { channel, key, group, delayMs, urgent } of deliveries) {
    const joined = sql.get<{ due_at: number | null }>(
      `SELECT min(due_at) AS due_at FROM notification_deliveries
       WHERE tenant = ? AND channel = ? AND grp = ? AND state = 'waiting' AND due_at > ?`,
      ...[tenant, channel, group, now],
    );
    sql.run(
      `INSERT INTO notification_deliveries (tenant, id, channel, key, grp, urgent, state, due_at, tries, changed_at)
       VALUES (?, ?, ?, ?, ?, ?, 'waiting', ?, 0, ?)`,
      ...[tenant, id, channel, key, group, urgent ? 1 : 0, Math.min(joined?.due_at ?? Infinity, now + delayMs), now],
    );
  }
  return outcomeOf(changes);
}

const outcomeOf = (changes: number): 'new' | 'known' => (changes === 1 ? 'new' : 'known');

interface DueRow {
  readonly notification: string;
  readonly channel: string;
  readonly key: string;
  readonly grp: string;
  readonly urgent: number;
  readonly state: DeliveryState;
}

function due({ sql, now }: Step, tenant: string, limit: number): readonly DueDelivery[] {
  const text = `SELECT d.*, n.notification FROM notification_deliveries d JOIN notifications n USING (tenant, id)
    WHERE d.tenant = ? AND d.due_at <= ? ORDER BY d.due_at, d.id, d.channel LIMIT ?`;
  return sql.all<DueRow>(text, tenant, now, limit).map(({ notification, channel, key, grp, urgent, state }) => ({
    ...{ notification: JSON.parse(notification), channel, key, group: grp, urgent: urgent === 1 },
    held: state === 'held',
  }));
}

function list(
  step: Step,
  { tenant, limit, below }: { readonly tenant: string; readonly limit: number; readonly below: string | undefined },
): NotificationPage {
  const [time, id] =
    below === undefined ? [Number.MAX_SAFE_INTEGER, ''] : [Number(below.slice(0, 16)), below.slice(timeLength)];
  const rows = step.sql.all<NotificationRow>(
    `SELECT id, added_at, notification FROM notifications WHERE tenant = ? AND (added_at, id) < (?, ?)
     ORDER BY added_at DESC, id DESC LIMIT ?`,
    ...[tenant, time, id, limit + 1],
  );
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    notifications: shown.map((row) => recordOf(step, tenant, row)),
    ...(rows.length > limit && last && { cursor: `${timePosition(last.added_at)}:${last.id}` }),
  };
}

function recordOf({ sql }: Step, tenant: string, row: NotificationRow): NotificationRecord {
  const text = 'SELECT * FROM notification_deliveries WHERE tenant = ? AND id = ? ORDER BY channel';
  return {
    notification: JSON.parse(row.notification),
    addedAt: row.added_at,
    deliveries: sql.all<DeliveryRow>(text, tenant, row.id).map(({ channel, state, tries, error, changed_at }) => ({
      ...{ channel, state, tries, changedAt: changed_at },
      ...(error !== null && { error }),
    })),
  };
}
