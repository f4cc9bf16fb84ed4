import {
  RunClass,
  type RunCounts,
  type RunRecord,
  runStates,
  type TaskRecord,
  type TaskState,
  taskStates,
} from '@moltbot/shared';
import { z } from 'zod';
import type { TaskReader } from './context.ts';
import { bytesOf, RunView, readRunView } from './run-view.ts';
import { isoTime, time } from './time.ts';

/** The end of each stream that an answer carries; the output route has all of it. */
const tailBytes = 64 * 1_024;
/** Of all streams of one answer together, and of all data: a task of a thousand runs gets shorter ends, not a giant answer. */
const answerBytes = 8 * 1_024 * 1_024;
/** Runs whose output is read at the same time. */
const readsAtOnce = 16;

/** A task in a list. Times are ISO-8601, UTC. */
export interface TaskSummary {
  readonly id: string;
  readonly state: TaskState;
  readonly action: string;
  readonly on: string;
  readonly class: RunClass;
  readonly counts: RunCounts;
  readonly acceptedAt: string;
  readonly finishedAt?: string | undefined;
}

/** A task with its runs and the end of their output. */
export interface TaskView extends Omit<TaskSummary, 'counts'> {
  /** Its secret stays inside. */
  readonly callback?: { readonly url: string } | undefined;
  readonly runs: readonly RunView[];
}

const summary = {
  id: z.string(),
  state: z.enum(taskStates),
  action: z.string(),
  on: z.string().describe('The selector as it was written.'),
  class: RunClass.describe('What may be done when it is not known whether a command ran.'),
  acceptedAt: time,
  finishedAt: time.optional(),
};

export const TaskSummary: z.ZodType<TaskSummary> = z.object({
  ...summary,
  counts: z.partialRecord(z.enum(runStates), z.int()).describe('Runs in each state.'),
});

export const TaskView: z.ZodType<TaskView> = z.object({
  ...summary,
  callback: z.object({ url: z.string() }).optional().describe('Where the end of the task is posted to.'),
  runs: z.array(RunView),
});

/** The record of a task as a list shows it. */
export const toTaskSummary = (record: TaskRecord): TaskSummary => ({ ...headOf(record), counts: record.counts });

/** Reads the runs of a task, unless they are given, and the end of their output. @throws MOLT_STORE_DOWN */
export async function readTaskView(
  store: TaskReader,
  record: TaskRecord,
  known?: readonly RunRecord[],
): Promise<TaskView> {
  const { principal, id, origin } = record.task;
  const { tenant } = principal;
  const runs = known ?? (await store.getRuns(tenant, id));
  const each = Math.min(tailBytes, Math.floor(answerBytes / (2 * Math.max(1, runs.length))));
  const dataBytes = dataBytesOf(runs);
  const views: RunView[] = [];
  for (let at = 0; at < runs.length; at += readsAtOnce) {
    const batch = runs.slice(at, at + readsAtOnce);
    views.push(...(await Promise.all(batch.map((run) => readRunView(store, { tenant, run, tail: each, dataBytes })))));
  }
  return { ...headOf(record), ...(origin.callback && { callback: { url: origin.callback.url } }), runs: views };
}

/** How much data each run may show: all of it when all together is not too much, else its share. */
function dataBytesOf(runs: readonly RunRecord[]): number {
  const total = runs.reduce((sum, { data }) => (data === undefined ? sum : sum + bytesOf(data)), 0);
  return total <= answerBytes ? answerBytes : Math.floor(answerBytes / runs.length);
}

const headOf = ({ task, state, finishedAt }: TaskRecord): Omit<TaskSummary, 'counts'> => ({
  id: task.id,
  state,
  action: task.action,
  on: task.on,
  class: task.class,
  acceptedAt: isoTime(task.acceptedAt),
  ...(finishedAt !== undefined && { finishedAt: isoTime(finishedAt) }),
});
