import type { DelayRung } from '@moltbot/bus';
import type { AnyAction } from '@moltbot/plugin-sdk';
import { classOf, type ErrorCode, mayRunAgain, type RunError, type RunOrder } from '@moltbot/shared';

/**
 * What may be done with a run when it is not known whether it ran: look for it on its target, run it again, or neither.
 * A guarded class means nothing to an action with effects of its own. An unknown action is taken at its class's word.
 */
export type Safety = 'guarded' | 'again' | 'once';

export function safetyOf(order: RunOrder, action: AnyAction | undefined): Safety {
  const runClass = classOf(order);
  if (mayRunAgain(runClass)) return 'again';
  return runClass === 'guarded' && (action === undefined || action.effects === 'by-exec') ? 'guarded' : 'once';
}

/** What passes by itself. A wrong key, a wrong name, a wrong argument does not. */
const passing: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'MOLT_SSH_UNKNOWN_HOST',
  'MOLT_SSH_UNREACHABLE',
  'MOLT_SSH_TIMEOUT',
  'MOLT_SSH_BREAKER',
  'MOLT_SSH_LOST',
  'MOLT_SSH_BUSY',
]);

export const isWorthRepeating = (code: ErrorCode): boolean => passing.has(code);

/** Further attempts after one that may have reached the target, at the least: only what may run again has any. */
const furtherWhenSent = 2;

/** @param wasSent the attempt may have reached the target */
export const attemptsAtMost = ({ task }: RunOrder, wasSent: boolean): number =>
  1 + (wasSent ? Math.max(task.retries, furtherWhenSent) : task.retries);

const ladder: readonly DelayRung[] = ['5s', '30s', '2m'];

/** @param attempt the one that failed, 1 and up */
export const rungAfter = (attempt: number): DelayRung => ladder[Math.max(0, attempt - 1)] ?? '10m';

/** The error of the last attempt says how many there were. */
export const afterAttempts = (error: RunError, attempt: number): RunError =>
  attempt <= 1 ? error : { ...error, message: `${error.message}; ${attempt} attempts were made` };
