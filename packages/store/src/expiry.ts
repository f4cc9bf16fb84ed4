import { errorCatalog, type RunError, type Task } from '@moltbot/shared';

/** Epoch ms until which the runs of a task have to start; undefined for no limit. */
export function startBy({ acceptedAt, limits: { queueMs, deadlineMs } }: Task): number | undefined {
  const limits = [queueMs, deadlineMs].filter((limit) => limit > 0);
  return limits.length === 0 ? undefined : acceptedAt + Math.min(...limits);
}

/**
 * After a task was learned from a message, its other runs have this time to be learned as well, ms: longer than any message is
 * delayed on the bus. Only then are they lost.
 */
export const lostAfterMs = 900_000;

/** Not earlier than this is a task looked at again whose runs are with workers, ms. */
export const lookAgainMs = 1_000;

export const expiredError: RunError = {
  code: 'MOLT_RUN_EXPIRED',
  message: 'no worker started it before its time to start was over',
  remedy: errorCatalog.MOLT_RUN_EXPIRED.remedy,
};

export const lostError: RunError = {
  code: 'MOLT_RUN_LOST',
  message: 'the store lost its record, and no worker came with its message in time',
  remedy: errorCatalog.MOLT_RUN_LOST.remedy,
};
