import {
  isFinal,
  isLeased,
  type RunError,
  type RunOrder,
  type Task,
  type TaskState,
  taskStateOf,
} from '@moltbot/shared';
import { pageOf, positionOf, timePosition } from '../listing.ts';
import type { AcceptOutcome, CancelOutcome, NewTask, Store, TaskQuery } from '../port.ts';
import {
  type DoStep,
  insertRun,
  insertTask,
  openTask,
  orderOf,
  runRecordOf,
  runRowsOf,
  type Step,
  type TaskRow,
  taskOf,
  taskRecordOf,
  taskRow,
} from './tables.ts';

type TaskCalls = Pick<
  Store,
  | 'acceptTask'
  | 'taskUnder'
  | 'markPublished'
  | 'isPublished'
  | 'listUnpublished'
  | 'withdrawTask'
  | 'getTask'
  | 'getRuns'
  | 'listTasks'
  | 'requestCancel'
>;

export function createTaskCalls(step: DoStep): TaskCalls {
  return {
    acceptTask: (task) => step((at) => accept(at, task)),
    taskUnder: (tenant, key) =>
      step(({ sql }) => {
        const text = 'SELECT task_id FROM idempotency WHERE tenant = ? AND key = ?';
        return sql.get<{ task_id: string }>(text, tenant, key)?.task_id;
      }),
    markPublished: (tenant, taskIds) =>
      step(({ sql }) => {
        const text = 'UPDATE tasks SET published = 1 WHERE tenant = ? AND id = ?';
        for (const taskId of taskIds) sql.run(text, tenant, taskId);
      }),
    isPublished: (tenant, taskId) => step((at) => isPublished(at, tenant, taskId)),
    listUnpublished: (tenant, olderThanMs, limit) => step((at) => unpublished(at, tenant, olderThanMs, limit)),
    withdrawTask: (task, error) => step((at) => withdraw(at, task, error)),
    getTask: (tenant, taskId) =>
      step(({ sql }) => {
        const row = taskRow(sql, tenant, taskId);
        return row && taskRecordOf(row);
      }),
    getRuns: (tenant, taskId) => step(({ sql }) => runRowsOf(sql, tenant, taskId).map(runRecordOf)),
    listTasks: (tenant, query) =>
      pageOf(query, (below, count) => step((at) => scan(at, { tenant, query, below, count }))),
    requestCancel: (tenant, taskId) => step((at) => cancel(at, tenant, taskId)),
  };
}

function accept(step: Step, { task, orders, idempotency }: NewTask): AcceptOutcome {
  const { sql } = step;
  const { tenant } = task.principal;
  if (idempotency) {
    const text = 'SELECT request_hash, task_id FROM idempotency WHERE tenant = ? AND key = ?';
    const known = sql.get<{ request_hash: string; task_id: string }>(text, tenant, idempotency.key);
    if (known)
      return { kind: known.request_hash === idempotency.requestHash ? 'same' : 'conflict', taskId: known.task_id };
  }
  const there = taskRow(sql, tenant, task.id);
  if (there && idempotency && there.state === 'undeliverable') return { kind: 'taken' };
  if (idempotency) {
    const insert = 'INSERT INTO idempotency (tenant, key, request_hash, task_id) VALUES (?, ?, ?, ?)';
    sql.run(insert, tenant, idempotency.key, idempotency.requestHash, task.id);
  }
  if (there) return { kind: 'same', taskId: task.id };
  insertTask(step, task, { idempotencyKey: idempotency?.key });
  for (const order of orders) insertRun(sql, order, false);
  return { kind: 'new' };
}

function isPublished({ sql }: Step, tenant: string, taskId: string): boolean {
  const row = taskRow(sql, tenant, taskId);
  return !row || row.published === 1 || row.finished_at !== null;
}

function unpublished({ sql, now }: Step, tenant: string, olderThanMs: number, limit: number): RunOrder[][] {
  const rows = sql.all<TaskRow>(
    `SELECT * FROM tasks WHERE tenant = ? AND accepted_at <= ? AND published = 0 AND finished_at IS NULL
     ORDER BY accepted_at LIMIT ?`,
    ...[tenant, now - olderThanMs, limit],
  );
  return rows.map((row) => {
    const task = taskOf(row);
    return runRowsOf(sql, tenant, row.id).map((run) => orderOf(run, task));
  });
}

function withdraw(step: Step, { id: taskId, principal, acceptedAt }: Task, error: RunError): 'withdrawn' | 'kept' {
  const { sql, now } = step;
  const { tenant } = principal;
  const row = taskRow(sql, tenant, taskId);
  if (!row) return 'withdrawn';
  if (row.accepted_at !== acceptedAt) return 'kept';
  const runs = runRowsOf(sql, tenant, taskId);
  if (runs.some(({ fence }) => fence > 0)) return 'kept';
  const task = openTask(step, row);
  const ended = { error: JSON.stringify(error), finished_at: now };
  for (const run of runs) if (run.state === 'queued') task.move(run, 'undeliverable', ended);
  task.save();
  // Its client is told that it was refused: nobody is to be answered.
  sql.run('UPDATE tasks SET unanswered = 0 WHERE tenant = ? AND id = ?', tenant, taskId);
  sql.run('DELETE FROM idempotency WHERE tenant = ? AND task_id = ?', tenant, taskId);
  return 'withdrawn';
}

function scan(
  { sql }: Step,
  { tenant, query, below, count }: { tenant: string; query: TaskQuery; below: string | undefined; count: number },
): { position: string; record: ReturnType<typeof taskRecordOf> }[] {
  const { since = 0, until } = query;
  const upper = below ?? timePosition(until ?? Number.MAX_SAFE_INTEGER);
  const time = Number(upper.slice(0, 16));
  const rows = sql.all<TaskRow>(
    `SELECT * FROM tasks WHERE tenant = ? AND (accepted_at, id) < (?, ?) AND accepted_at >= ?
     ORDER BY accepted_at DESC, id DESC LIMIT ?`,
    ...[tenant, time, upper.slice(17), since, count],
  );
  return rows.map((row) => {
    const record = taskRecordOf(row);
    return { position: positionOf(record.task), record };
  });
}

function cancel(step: Step, tenant: string, taskId: string): CancelOutcome {
  const { sql, now } = step;
  const row = taskRow(sql, tenant, taskId);
  if (!row) return { kind: 'absent' };
  if (row.finished_at !== null) return { kind: 'final', state: row.state, cancelRequested: row.cancel_requested === 1 };
  const task = openTask(step, row);
  const leased: RunOrder[] = [];
  for (const run of runRowsOf(sql, tenant, taskId)) {
    if (isLeased(run.state)) leased.push(orderOf(run, taskOf(row)));
    else if (!isFinal(run.state)) task.move(run, 'cancelled', { finished_at: now });
  }
  task.save();
  sql.run('UPDATE tasks SET cancel_requested = 1 WHERE tenant = ? AND id = ?', tenant, taskId);
  return { kind: 'requested', state: stateNow(step, row), leased };
}

const stateNow = ({ sql }: Step, { tenant, id }: TaskRow): TaskState =>
  taskStateOf(JSON.parse(taskRow(sql, tenant, id)?.counts ?? '{}'));
