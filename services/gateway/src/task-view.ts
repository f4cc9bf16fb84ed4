import {
  type RunCounts,
  RunError,
  type RunRecord,
  type RunState,
  runStates,
  type TaskRecord,
  type TaskState,
  taskStates,
} from '@moltbot/shared';
import type { OutputStream } from '@moltbot/store';
import { z } from 'zod';
import type { TaskReader } from './context.ts';
import { decodeTail } from './utf8.ts';

/** The end of each stream that an answer carries; the output route has all of it. */
const tailBytes = 64 * 1_024;
/** Of all streams of one answer together: a task of a thousand runs gets shorter ends, not a giant answer. */
const answerBytes = 8 * 1_024 * 1_024;
/** Runs whose output is read at the same time. */
const readsAtOnce = 16;

/** One run as HTTP shows it. Times are ISO-8601, UTC. */
export interface RunView {
  readonly id: string;
  readonly target: string;
  readonly state: RunState;
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  readonly error?: RunError | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  readonly truncated?: true | undefined;
  readonly attempts: number;
  readonly startedAt?: string | undefined;
  readonly finishedAt?: string | undefined;
}

/** A task in a list. */
export interface TaskSummary {
  readonly id: string;
  readonly state: TaskState;
  readonly action: string;
  readonly on: string;
  readonly counts: RunCounts;
  readonly acceptedAt: string;
  readonly finishedAt?: string | undefined;
}

/** A task with its runs and the end of their output. */
export interface TaskView extends Omit<TaskSummary, 'counts'> {
  readonly runs: readonly RunView[];
}

const time = z.string().meta({ format: 'date-time' });
const bytes = z.int().describe('Bytes of the whole stream.');
const summary = {
  id: z.string(),
  state: z.enum(taskStates),
  action: z.string(),
  on: z.string().describe('The selector as it was written.'),
  acceptedAt: time,
  finishedAt: time.optional(),
};

export const RunView: z.ZodType<RunView> = z.object({
  id: z.string(),
  target: z.string(),
  state: z.enum(runStates),
  exitCode: z.int().optional(),
  signal: z.string().optional().describe('Name without SIG, such as TERM.'),
  error: RunError.optional(),
  stdout: z.string().describe('The last 64 KiB as UTF-8, less when the task has many runs.'),
  stderr: z.string().describe('As stdout.'),
  stdoutBytes: bytes,
  stderrBytes: bytes,
  truncated: z.literal(true).optional().describe('Output beyond the cap was dropped.'),
  attempts: z.int(),
  startedAt: time.optional(),
  finishedAt: time.optional(),
});

export const TaskSummary: z.ZodType<TaskSummary> = z.object({
  ...summary,
  counts: z.partialRecord(z.enum(runStates), z.int()).describe('Runs in each state.'),
});

export const TaskView: z.ZodType<TaskView> = z.object({ ...summary, runs: z.array(RunView) });

/** The record of a task as a list shows it. */
export const toTaskSummary = (record: TaskRecord): TaskSummary => ({ ...headOf(record), counts: record.counts });

/** Reads the runs of a task, unless they are given, and the end of their output. @throws MOLT_STORE_DOWN */
export async function readTaskView(
  store: TaskReader,
  record: TaskRecord,
  known?: readonly RunRecord[],
): Promise<TaskView> {
  const { tenant } = record.task.principal;
  const runs = known ?? (await store.getRuns(tenant, record.task.id));
  const each = Math.min(tailBytes, Math.floor(answerBytes / (2 * Math.max(1, runs.length))));
  const views: RunView[] = [];
  for (let at = 0; at < runs.length; at += readsAtOnce) {
    const batch = runs.slice(at, at + readsAtOnce);
    views.push(...(await Promise.all(batch.map((run) => readRunView(store, { tenant, run, tail: each })))));
  }
  return { ...headOf(record), runs: views };
}

/** Epoch ms to ISO-8601, UTC. */
export const isoTime = (ms: number): string => new Date(ms).toISOString();

const headOf = ({ task, state, finishedAt }: TaskRecord): Omit<TaskSummary, 'counts'> => ({
  id: task.id,
  state,
  action: task.action,
  on: task.on,
  acceptedAt: isoTime(task.acceptedAt),
  ...(finishedAt !== undefined && { finishedAt: isoTime(finishedAt) }),
});

interface RunRead {
  readonly tenant: string;
  readonly run: RunRecord;
  readonly tail: number;
}

async function readRunView(store: TaskReader, { tenant, run, tail }: RunRead): Promise<RunView> {
  const end = async (stream: OutputStream, size: number): Promise<string> => {
    const slice = size > 0 ? await store.tailOutput(tenant, run.id, stream, tail) : undefined;
    return slice ? decodeTail(slice.data, slice.offset > 0) : '';
  };
  const [stdout, stderr] = await Promise.all([end('stdout', run.stdoutBytes), end('stderr', run.stderrBytes)]);
  const { id, target, state, exitCode, signal, error, stdoutBytes, stderrBytes, attempts } = run;
  return {
    ...{ id, target, state, exitCode, signal, error, stdout, stderr, stdoutBytes, stderrBytes, attempts },
    ...(run.truncated && { truncated: true as const }),
    ...(run.startedAt !== undefined && { startedAt: isoTime(run.startedAt) }),
    ...(run.finishedAt !== undefined && { finishedAt: isoTime(run.finishedAt) }),
  };
}
