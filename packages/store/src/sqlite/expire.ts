import type { Retention } from '../retention.ts';
import { expireNotifications } from './notification-batches.ts';
import { expireOccurrences } from './occurrences.ts';
import { expireRecords } from './records.ts';
import type { Step } from './tables.ts';

/** Bounds one call, so that it does not hold up the others. */
const tasksPerCall = 200;
const runsPerCall = 500;
const lettersPerCall = 200;

/** Deletes what is past its retention; returns the number of tasks forgotten. */
export function expire(step: Step, retention: Retention): number {
  expireOutput(step, retention.outputMs);
  expireBuckets(step);
  expireReplies(step, retention.tasksMs);
  expireNotifications(step, retention.tasksMs);
  expireOccurrences(step, retention.occurrencesMs ?? retention.tasksMs);
  expireRecords(step);
  return expireTasks(step, retention.tasksMs);
}

function expireTasks({ sql, now }: Step, keptMs: number): number {
  const text = 'SELECT tenant, id FROM tasks WHERE finished_at <= ? LIMIT ?';
  const ended = sql.all<{ tenant: string; id: string }>(text, now - keptMs, tasksPerCall);
  for (const { tenant, id } of ended) {
    sql.run(
      'DELETE FROM output WHERE tenant = ?1 AND run_id IN (SELECT id FROM runs WHERE tenant = ?1 AND task_id = ?2)',
      ...[tenant, id],
    );
    sql.run(
      `DELETE FROM idempotency WHERE tenant = ?1 AND task_id = ?2
       AND key = (SELECT idempotency_key FROM tasks WHERE tenant = ?1 AND id = ?2)`,
      ...[tenant, id],
    );
    sql.run('DELETE FROM runs WHERE tenant = ? AND task_id = ?', tenant, id);
    sql.run('DELETE FROM events WHERE tenant = ? AND task_id = ?', tenant, id);
    sql.run('DELETE FROM tasks WHERE tenant = ? AND id = ?', tenant, id);
  }
  return ended.length;
}

function expireOutput({ sql, now }: Step, keptMs: number): void {
  const text = 'SELECT tenant, id FROM runs WHERE has_output = 1 AND finished_at <= ? LIMIT ?';
  for (const { tenant, id } of sql.all<{ tenant: string; id: string }>(text, now - keptMs, runsPerCall)) {
    sql.run('DELETE FROM output WHERE tenant = ? AND run_id = ?', tenant, id);
    sql.run('UPDATE runs SET has_output = 0 WHERE tenant = ? AND id = ?', tenant, id);
  }
}

const expireBuckets = ({ sql, now }: Step): void => void sql.run('DELETE FROM buckets WHERE full_at <= ?', now * 1_000);

function expireReplies({ sql, now }: Step, keptMs: number): void {
  sql.run('DELETE FROM delivered WHERE delivered_at <= ?', now - keptMs);
  const old = 'SELECT tenant, id FROM dead_letters WHERE died_at <= ? LIMIT ?';
  for (const { tenant, id } of sql.all<{ tenant: string; id: string }>(old, now - keptMs, lettersPerCall)) {
    sql.run('DELETE FROM dead_letters WHERE tenant = ? AND id = ?', tenant, id);
  }
}
