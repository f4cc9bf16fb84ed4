import { type RunCounts, type TaskRecord, taskStateOf } from '@moltbot/shared';

/** Fields of a task's hash, in the order in which `taskRecordOf` reads them. */
export const taskFields: readonly string[] = ['task', 'counts', 'cancel', 'finished'];

/** The values of `taskFields` as a record; undefined when there is no such task. */
export function taskRecordOf([task, counts, ...more]: readonly (string | null)[]): TaskRecord | undefined {
  if (!task || counts === null || counts === undefined) return undefined;
  return { task: JSON.parse(task), ...standingOf(counts, more) };
}

/** Where a task stands, from the values of `taskFields` behind the task itself. */
export function standingOf(
  counts: string,
  [cancelRequested, finished]: readonly (string | null)[],
): Omit<TaskRecord, 'task'> {
  const parsed = countsOf(counts);
  return {
    state: taskStateOf(parsed),
    counts: parsed,
    cancelRequested: cancelRequested === '1',
    ...(finished && { finishedAt: Number(finished) }),
  };
}

/** `queued=2 running=1` to counts. */
const countsOf = (text: string): RunCounts =>
  Object.fromEntries(text.split(' ').map((part) => [part.split('=')[0], Number(part.split('=')[1])]));
