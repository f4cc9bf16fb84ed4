import { isFinal, type RunState, runStates } from './run-state.ts';

/** A task is in the state that its runs give it; `claimed` is a matter of one run and never shows on a task. */
export type TaskState = Exclude<RunState, 'claimed'>;

export type RunCounts = Readonly<Partial<Record<RunState, number>>>;

/** Which final state a task takes when its runs ended differently: the first of these that any run has. */
export const finalStatesBySeverity = [
  'unknown',
  'failed',
  'timed-out',
  'undeliverable',
  'expired',
  'cancelled',
  'succeeded',
] as const;

export const taskStates: readonly TaskState[] = runStates.filter((state): state is TaskState => state !== 'claimed');

/** The state of a task from the number of its runs in each state. A task of no runs does not exist. */
export function taskStateOf(counts: RunCounts): TaskState {
  const has = (state: RunState): boolean => (counts[state] ?? 0) > 0;
  if (runStates.every((state) => isFinal(state) || !has(state))) {
    return finalStatesBySeverity.find(has) ?? 'succeeded';
  }
  const waiting = (['held', 'queued'] as const).filter(has);
  const onlyWaiting = runStates.every((state) => !has(state) || state === 'held' || state === 'queued');
  if (!onlyWaiting) return 'running';
  return waiting.includes('queued') ? 'queued' : 'held';
}
