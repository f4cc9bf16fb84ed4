import { isFinal, isLeased, type RunError } from '@moltbot/shared';
import { expiredError, lookAgainMs, lostError } from '../expiry.ts';
import { nextFence } from '../fence.ts';
import type { Store } from '../port.ts';
import {
  type DoStep,
  insertLostRun,
  type OpenTask,
  openTask,
  type RunRow,
  runRowsOf,
  type Step,
  type TaskRow,
  taskOf,
} from './tables.ts';

export const createExpiryCalls = (step: DoStep): Pick<Store, 'expireQueued'> => ({
  expireQueued: (tenant, limit) =>
    step((at) => {
      const due = 'SELECT * FROM tasks WHERE tenant = ? AND look_at <= ? ORDER BY look_at LIMIT ?';
      const rows = at.sql.all<TaskRow>(due, tenant, at.now, limit);
      for (const row of rows) expireTask(at, row);
      return rows.length;
    }),
});

/** What is with a worker is looked at again when its lease is over: it may come back unstarted. */
function expireTask(step: Step, row: TaskRow): void {
  const { sql } = step;
  const task = openTask(step, row);
  const runs = runRowsOf(sql, row.tenant, row.id);
  const again = runs.map((run) => expireRun(step, task, run)).filter((at) => at !== undefined);
  const known = new Set(runs.map(({ place }) => place));
  for (let place = 0; place < taskOf(row).runs; place++) {
    if (!known.has(place)) endLost(step, task, place);
  }
  task.save();
  if (again.length === 0) return;
  sql.run('UPDATE tasks SET look_at = ? WHERE tenant = ? AND id = ?', Math.min(...again), row.tenant, row.id);
}

/** Returns when to look at the run again, if that is needed. */
function expireRun({ now }: Step, task: OpenTask, run: RunRow): number | undefined {
  if (isFinal(run.state)) return undefined;
  if (run.state === 'running' || (isLeased(run.state) && run.lease_until > now)) {
    return Math.max(run.lease_until, now + lookAgainMs);
  }
  task.move(run, 'expired', { ...endOf(expiredError, now), fence: nextFence(run.fence, now) });
  return undefined;
}

/** It may have been claimed, and started, before its record was lost. */
function endLost({ sql, now }: Step, task: OpenTask, place: number): void {
  const claimed = task.move(insertLostRun(sql, task.row, place), 'claimed');
  task.move(claimed, 'unknown', endOf(lostError, now));
}

const endOf = (error: RunError, now: number): Partial<RunRow> => ({ error: JSON.stringify(error), finished_at: now });
