import { finalStatesBySeverity, isFinal, type RunCounts, type RunRecord, type RunState } from '@moltbot/shared';

const failed: readonly RunState[] = ['failed', 'timed-out', 'undeliverable', 'expired'];

/**
 * What `rerun failed` does again. Not what is unknown: a person has to look first. Not what was cancelled: somebody wanted that.
 */
export const hasFailed = ({ state }: Pick<RunRecord, 'state'>): boolean => failed.includes(state);

export const countFailed = (counts: RunCounts): number => failed.reduce((sum, state) => sum + (counts[state] ?? 0), 0);

const bySeverity: readonly RunState[] = finalStatesBySeverity;
const open: readonly RunState[] = ['running', 'claimed', 'queued', 'held'];

/** Where runs of the state stand in a list: what went wrong first, then what goes on, then what is well. */
export function rankOf(state: RunState): number {
  if (state === 'succeeded') return bySeverity.length + open.length;
  if (!isFinal(state)) return bySeverity.length + open.indexOf(state);
  return bySeverity.indexOf(state);
}
