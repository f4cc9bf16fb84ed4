import type { BatchEnd, NewBatch, NotificationStore, StoredBatch } from '../notifications-port.ts';
import type { DoStep, Step } from './tables.ts';

interface BatchRow {
  readonly tenant: string;
  readonly id: string;
  readonly channel: string;
  readonly kind: NewBatch['kind'];
  readonly made_at: number;
  readonly tries: number;
  /** JSON of Item[]. */
  readonly items: string;
}

interface Item {
  readonly id: string;
  readonly key: string;
  readonly repeats: number;
}

/** What the channel has told of a matter. */
interface Told {
  readonly at: number;
  readonly repeats: number;
  readonly batch: string;
}

export const createBatchCalls = (
  step: DoStep,
): Pick<NotificationStore, 'gatherBatch' | 'dueBatches' | 'settleBatch'> => ({
  gatherBatch: (batch) => step((at) => gather(at, batch)),
  dueBatches: (tenant, limit) =>
    step(({ sql, now }) => {
      const text = 'SELECT * FROM notification_batches WHERE tenant = ? AND due_at <= ? ORDER BY due_at, id LIMIT ?';
      return sql.all<BatchRow>(text, tenant, now, limit).map((row) => batchOf(sql, row));
    }),
  settleBatch: (tenant, id, end) => step((at) => settle(at, { tenant, id, end })),
});

function gather(step: Step, batch: NewBatch): number {
  const { sql, now } = step;
  const { tenant, id, channel, kind } = batch;
  const items = batch.matters.flatMap((matter) => tell(step, batch, matter));
  if (items.length === 0) return 0;
  sql.run(
    `INSERT INTO notification_batches (tenant, id, channel, kind, made_at, due_at, tries, items)
     VALUES (?, ?, ?, ?, ?, ?, 0, ?)`,
    ...[tenant, id, channel, kind, now, now, JSON.stringify(items)],
  );
  return items.length;
}

/** Takes those of a matter that still wait, and makes an item of them unless it was told just before. */
function tell({ sql, now }: Step, batch: NewBatch, { key, ids }: NewBatch['matters'][number]): Item[] {
  const { tenant, channel, repeatAfterMs } = batch;
  const move = (id: string, state: 'sending' | 'repeated'): boolean => {
    const text = `UPDATE notification_deliveries SET state = ?, batch = ?, due_at = NULL, changed_at = ?
      WHERE tenant = ? AND id = ? AND channel = ? AND due_at IS NOT NULL`;
    return sql.run(text, state, batch.id, now, tenant, id, channel).changes === 1;
  };
  const told = sql.get<Told>(
    'SELECT at, repeats, batch FROM told WHERE tenant = ? AND channel = ? AND key = ? AND until > ?',
    ...[tenant, channel, key, now],
  );
  const isRepeated = repeatAfterMs > 0 && told !== undefined && now < told.at + repeatAfterMs;
  const first = isRepeated ? undefined : ids.find((id) => move(id, 'sending'));
  const repeated = ids.filter((id) => id !== first && move(id, 'repeated'));
  for (const id of repeated) settleOne({ sql, now }, tenant, id);
  if (first === undefined) {
    const text = 'UPDATE told SET repeats = repeats + ? WHERE tenant = ? AND channel = ? AND key = ?';
    if (repeated.length > 0) sql.run(text, repeated.length, tenant, channel, key);
    return [];
  }
  if (repeatAfterMs > 0) {
    sql.run(
      'INSERT OR REPLACE INTO told (tenant, channel, key, at, repeats, batch, until) VALUES (?, ?, ?, ?, 0, ?, ?)',
      ...[tenant, channel, key, now, batch.id, now + 2 * repeatAfterMs],
    );
  }
  return [{ id: first, key, repeats: (told?.repeats ?? 0) + repeated.length }];
}

function batchOf(sql: Step['sql'], row: BatchRow): StoredBatch {
  const { tenant, id, channel, kind, made_at, tries, items } = row;
  const text = 'SELECT notification FROM notifications WHERE tenant = ? AND id = ?';
  const found = (JSON.parse(items) as Item[]).flatMap((item) => {
    const known = sql.get<{ notification: string }>(text, tenant, item.id);
    return known ? [{ notification: JSON.parse(known.notification), repeats: item.repeats }] : [];
  });
  return { tenant, id, channel, kind, at: made_at, tries, items: found };
}

function settle(
  { sql, now }: Step,
  { tenant, id, end }: { readonly tenant: string; readonly id: string; readonly end: BatchEnd },
): boolean {
  const row = sql.get<BatchRow>('SELECT * FROM notification_batches WHERE tenant = ? AND id = ?', tenant, id);
  if (!row) return false;
  const state = end.kind === 'retry' ? 'sending' : end.kind;
  const error = end.kind === 'sent' ? null : end.error;
  for (const item of JSON.parse(row.items) as Item[]) {
    sql.run(
      `UPDATE notification_deliveries SET state = ?, tries = ?, error = ?, changed_at = ?
       WHERE tenant = ? AND id = ? AND channel = ?`,
      ...[state, row.tries + 1, error, now, tenant, item.id, row.channel],
    );
    if (end.kind !== 'retry') settleOne({ sql, now }, tenant, item.id);
    if (end.kind === 'dead') untell({ sql }, row, item);
  }
  if (end.kind === 'retry') {
    const text = 'UPDATE notification_batches SET tries = tries + 1, due_at = ? WHERE tenant = ? AND id = ?';
    sql.run(text, now + end.delayMs, tenant, id);
  } else sql.run('DELETE FROM notification_batches WHERE tenant = ? AND id = ?', tenant, id);
  return true;
}

/** One more of the deliveries of a notification has come to its end. */
function settleOne({ sql, now }: Pick<Step, 'sql' | 'now'>, tenant: string, id: string): void {
  const text = `UPDATE notifications SET open = open - 1, settled_at = CASE WHEN open = 1 THEN ? END
    WHERE tenant = ? AND id = ?`;
  sql.run(text, now, tenant, id);
}

/** Nobody was told: the next of this matter is, and counts this one. */
function untell({ sql }: Pick<Step, 'sql'>, { tenant, channel, id }: BatchRow, { key, repeats }: Item): void {
  const text = `UPDATE told SET at = 0, repeats = repeats + ? WHERE tenant = ? AND channel = ? AND key = ? AND batch = ?`;
  sql.run(text, repeats + 1, tenant, channel, key, id);
}

/** Bounds one call. */
const perCall = 200;

/** Forgets notifications whose deliveries have all ended long ago, and what was told long ago. */
export function expireNotifications({ sql, now }: Step, keptMs: number): void {
  const text = 'SELECT tenant, id FROM notifications WHERE settled_at <= ? LIMIT ?';
  for (const { tenant, id } of sql.all<{ tenant: string; id: string }>(text, now - keptMs, perCall)) {
    sql.run('DELETE FROM notification_deliveries WHERE tenant = ? AND id = ?', tenant, id);
    sql.run('DELETE FROM notifications WHERE tenant = ? AND id = ?', tenant, id);
  }
  sql.run('DELETE FROM told WHERE until <= ?', now);
}
