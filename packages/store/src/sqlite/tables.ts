import {
  type AttemptNote,
  isFinal,
  isLegalRunMove,
  type RunCounts,
  type RunError,
  type RunOrder,
  type RunRecord,
  type RunState,
  replyPlatformOf,
  runIdOf,
  type Target,
  type Task,
  type TaskRecord,
  type TaskState,
  taskStateOf,
} from '@moltbot/shared';
import { startBy } from '../expiry.ts';
import type { TaskEvent } from '../port.ts';
import type { Sql } from './database.ts';

/** One atomic step: its statements, its time, and who to wake when it is on disk. */
export interface Step {
  readonly sql: Sql;
  /** Epoch ms. */
  readonly now: number;
  readonly wake: (tenant: string, taskId: string, hasEnded: boolean) => void;
}

/** Does one atomic step on the tables. */
export type DoStep = <T>(work: (step: Step) => T) => Promise<T>;

export interface TaskRow {
  readonly tenant: string;
  readonly id: string;
  readonly task: string;
  readonly accepted_at: number;
  readonly state: TaskState;
  readonly counts: string;
  readonly seq: number;
  readonly published: number;
  readonly cancel_requested: number;
  readonly idempotency_key: string | null;
  readonly finished_at: number | null;
  readonly has_callback: number;
  readonly unanswered: number;
  readonly look_at: number | null;
}

export interface RunRow {
  readonly tenant: string;
  readonly id: string;
  readonly task_id: string;
  readonly place: number;
  readonly target: string;
  readonly state: RunState;
  readonly attempts: number;
  readonly fence: number;
  readonly worker: string | null;
  readonly lease_until: number;
  readonly exit_code: number | null;
  readonly signal: string | null;
  readonly error: string | null;
  readonly truncated: number;
  readonly stdout_bytes: number;
  readonly stderr_bytes: number;
  readonly started_at: number | null;
  readonly finished_at: number | null;
  readonly has_output: number;
  readonly claim: string | null;
  readonly let_go: string | null;
  readonly history: string;
  readonly learned: number;
  readonly retry_at: number | null;
  readonly resolution: string | null;
  readonly data: string | null;
}

/** A task whose runs are being moved: each move is counted and told at once, the task's own row is written by `save`. */
export interface OpenTask {
  readonly row: TaskRow;
  /** Moves a run and writes it with the fields given; returns it as it is now. The caller has checked that the move is legal. */
  move(run: RunRow, to: RunState, fields?: Partial<RunRow>): RunRow;
  emit(event: EventBody): void;
  save(): void;
}

export type EventBody = TaskEvent extends infer E ? (E extends unknown ? Omit<E, 'seq' | 'at'> : never) : never;

/** States whose beginning is an event of its own; the rest shows in the task's events. */
const toldRunStates = (state: RunState): boolean => state !== 'queued' && state !== 'claimed' && state !== 'held';

export function openTask({ sql, now, wake }: Step, row: TaskRow): OpenTask {
  const counts: Partial<Record<RunState, number>> = JSON.parse(row.counts);
  let { seq } = row;
  const emit = (event: EventBody): void => {
    seq = Math.max(seq + 1, now);
    const text = 'INSERT INTO events (tenant, task_id, seq, event) VALUES (?, ?, ?, ?)';
    sql.run(text, row.tenant, row.id, seq, JSON.stringify({ at: now, ...event }));
  };
  return {
    row,
    emit,
    move(run, to, fields = {}) {
      if (!isLegalRunMove(run.state, to)) throw new Error(`${run.id}: ${run.state} → ${to} is not a legal move`);
      counts[run.state] = (counts[run.state] ?? 0) - 1;
      counts[to] = (counts[to] ?? 0) + 1;
      const moved = { ...run, ...fields, state: to };
      writeRun(sql, moved);
      if (toldRunStates(to)) emit(runEvent(moved));
      return moved;
    },
    save() {
      const state = taskStateOf(counts);
      if (state !== row.state) emit({ kind: 'task', state });
      sql.run(
        `UPDATE tasks SET state = ?, counts = ?, seq = ?, finished_at = ?, unanswered = ?, look_at = ?
         WHERE tenant = ? AND id = ?`,
        ...[state, JSON.stringify(counts), seq, ...Object.values(endOf(row, state, now)), row.tenant, row.id],
      );
      sql.afterCommit(() => wake(row.tenant, row.id, isFinal(state)));
    },
  };
}

/** What the state makes of the fields that tell of the end. */
function endOf(row: TaskRow, state: TaskState, now: number): Pick<TaskRow, 'finished_at' | 'unanswered' | 'look_at'> {
  if (!isFinal(state)) return { finished_at: null, unanswered: 0, look_at: row.look_at };
  const unanswered = row.finished_at === null ? row.has_callback : row.unanswered;
  return { finished_at: row.finished_at ?? now, unanswered, look_at: null };
}

function runEvent(run: RunRow): EventBody {
  return {
    kind: 'run',
    runId: run.id,
    state: run.state,
    exitCode: run.exit_code ?? undefined,
    signal: run.signal ?? undefined,
    errorCode: errorOf(run)?.code,
  };
}

export const taskRow = (sql: Sql, tenant: string, id: string): TaskRow | undefined =>
  sql.get<TaskRow>('SELECT * FROM tasks WHERE tenant = ? AND id = ?', tenant, id);

export const runRow = (sql: Sql, tenant: string, id: string): RunRow | undefined =>
  sql.get<RunRow>('SELECT * FROM runs WHERE tenant = ? AND id = ?', tenant, id);

export const runRowsOf = (sql: Sql, tenant: string, taskId: string): RunRow[] =>
  sql.all<RunRow>('SELECT * FROM runs WHERE tenant = ? AND task_id = ? ORDER BY place', tenant, taskId);

/** Writes a new task with every run of it counted as queued, and its first event. */
export function insertTask(
  { sql, now, wake }: Step,
  task: Task,
  {
    idempotencyKey,
    lookNotBefore = 0,
  }: { readonly idempotencyKey?: string | undefined; readonly lookNotBefore?: number },
): void {
  const { principal, id } = task;
  const due = startBy(task);
  sql.run(
    `INSERT INTO tasks (tenant, id, task, action, accepted_at, state, counts, seq, published, cancel_requested, idempotency_key,
       has_callback, look_at)
     VALUES (?, ?, ?, ?, ?, 'queued', ?, ?, 0, 0, ?, ?, ?)`,
    ...[principal.tenant, id, JSON.stringify(task), task.action, task.acceptedAt],
    ...[JSON.stringify({ queued: task.runs }), now, idempotencyKey ?? null],
    ...[replyPlatformOf(task.origin) ? 1 : 0, due === undefined ? null : Math.max(due, lookNotBefore)],
  );
  const event = JSON.stringify({ at: now, kind: 'task', state: 'queued' });
  sql.run('INSERT INTO events (tenant, task_id, seq, event) VALUES (?, ?, ?, ?)', principal.tenant, id, now, event);
  sql.afterCommit(() => wake(principal.tenant, id, false));
}

export function insertRun(sql: Sql, { runId, index, target, task }: RunOrder, isLearned: boolean): void {
  const text = `INSERT INTO runs (tenant, id, task_id, place, target, state, learned) VALUES (?, ?, ?, ?, ?, 'queued', ?)`;
  sql.run(text, task.principal.tenant, runId, task.id, index, JSON.stringify(target), isLearned ? 1 : 0);
}

/** A run of a task that nobody brought the order of: which target it was for is not known. */
export function insertLostRun(sql: Sql, { tenant, id }: TaskRow, place: number): RunRow {
  const runId = runIdOf(id, place);
  const text = `INSERT INTO runs (tenant, id, task_id, place, target, state) VALUES (?, ?, ?, ?, ?, 'queued')`;
  sql.run(text, tenant, runId, id, place, JSON.stringify({ name: '' }));
  const row = runRow(sql, tenant, runId);
  if (!row) throw new Error(`${runId} was not made`);
  return row;
}

export function writeRun(sql: Sql, run: RunRow): void {
  sql.run(
    `UPDATE runs SET state = ?, attempts = ?, fence = ?, worker = ?, lease_until = ?, exit_code = ?, signal = ?, error = ?,
       truncated = ?, stdout_bytes = ?, stderr_bytes = ?, started_at = ?, finished_at = ?, has_output = ?,
       claim = ?, let_go = ?, history = ?, retry_at = ?, resolution = ?, data = ?
     WHERE tenant = ? AND id = ?`,
    ...[run.state, run.attempts, run.fence, run.worker, run.lease_until, run.exit_code, run.signal, run.error],
    ...[run.truncated, run.stdout_bytes, run.stderr_bytes, run.started_at, run.finished_at, run.has_output],
    ...[run.claim, run.let_go, run.history, run.retry_at, run.resolution, run.data, run.tenant, run.id],
  );
}

/** A run as its message would give it. */
export const orderOf = (run: RunRow, task: Task): RunOrder => ({
  runId: run.id,
  index: run.place,
  target: targetOf(run),
  task,
});

export const taskOf = (row: TaskRow): Task => JSON.parse(row.task);

export function taskRecordOf(row: TaskRow): TaskRecord {
  const counts: RunCounts = JSON.parse(row.counts);
  return {
    task: taskOf(row),
    state: taskStateOf(counts),
    counts: Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)),
    cancelRequested: row.cancel_requested === 1,
    ...(row.finished_at !== null && { finishedAt: row.finished_at }),
  };
}

export const runRecordOf = (row: RunRow): RunRecord => ({
  id: row.id,
  index: row.place,
  target: targetOf(row).name,
  state: row.state,
  attempts: row.attempts,
  worker: row.worker ?? undefined,
  exitCode: row.exit_code ?? undefined,
  signal: row.signal ?? undefined,
  error: errorOf(row),
  truncated: row.truncated === 1,
  data: row.data === null ? undefined : JSON.parse(row.data),
  history: historyOf(row),
  retryAt: row.state === 'queued' ? (row.retry_at ?? undefined) : undefined,
  resolution: row.resolution === null ? undefined : JSON.parse(row.resolution),
  stdoutBytes: row.stdout_bytes,
  stderrBytes: row.stderr_bytes,
  startedAt: row.started_at ?? undefined,
  finishedAt: row.finished_at ?? undefined,
});

export const historyOf = (row: RunRow): readonly AttemptNote[] => JSON.parse(row.history);

const targetOf = (row: RunRow): Target => JSON.parse(row.target);

const errorOf = (row: RunRow): RunError | undefined => (row.error === null ? undefined : JSON.parse(row.error));
