import { formatDuration, MoltError, type RunOrder } from '@moltbot/shared';

/** Why it is too late to start the run; undefined while it is not. */
export function lateness({ task }: RunOrder, now: number): MoltError | undefined {
  const { queueMs, deadlineMs } = task.limits;
  const age = now - task.acceptedAt;
  if (deadlineMs > 0 && age > deadlineMs)
    return new MoltError(
      'MOLT_RUN_EXPIRED',
      `not started by its deadline, ${formatDuration(deadlineMs)} after it was accepted`,
    );
  if (queueMs > 0 && age > queueMs)
    return new MoltError('MOLT_RUN_EXPIRED', `not started within ${formatDuration(queueMs)} of being accepted`);
  return undefined;
}

/** What the clocks of hosts may differ by, ms. */
const clockSkewMs = 60_000;

/** A target that has remembered what it ran for `memoryMs` cannot have forgotten a command of the run yet. */
export const isRemembered = ({ task }: RunOrder, now: number, memoryMs: number): boolean =>
  now - task.acceptedAt < memoryMs - clockSkewMs;

/** How long a run may last that starts at `startsAt`, epoch ms: at least 1 ms. */
export function longestTime(
  { task }: RunOrder,
  startsAt: number,
): { readonly ms: number; readonly isDeadline: boolean } {
  const { totalMs, deadlineMs } = task.limits;
  const left = deadlineMs > 0 ? task.acceptedAt + deadlineMs - startsAt : Number.POSITIVE_INFINITY;
  return { ms: Math.max(1, Math.min(totalMs, left)), isDeadline: left < totalMs };
}
