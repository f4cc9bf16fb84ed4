import type { ActionResult, TransportResult } from '@moltbot/plugin-sdk';
import {
  type ErrorCode,
  formatDuration,
  MoltError,
  type RunError,
  type RunOrder,
  type RunOutcome,
} from '@moltbot/shared';
import type { StopReason } from './active-runs.ts';
import type { GuardedProgress } from './guarded-exec.ts';
import { isWorthRepeating, type Safety } from './retry-policy.ts';
import { longestTime } from './time-to-start.ts';

/** What is known of a run while it goes on here. */
export interface Progress extends GuardedProgress {
  /** It may have reached the target. */
  started: boolean;
  /** Of the last command of a run that is not guarded. */
  killed: TransportResult['killed'];
}

/**
 * How a run ended here.
 * - `final`: with this outcome.
 * - `again`: another attempt may follow it; `outcome` is its end when there is none left.
 * - `later`: a guarded run that cannot be reached on its target now; `outcome` is its end when nobody looks again.
 */
export interface RunEnd {
  readonly next: 'final' | 'again' | 'later';
  readonly outcome: RunOutcome;
  /** The attempt may have reached the target. */
  readonly wasSent: boolean;
}

export interface Ending {
  readonly order: RunOrder;
  readonly progress: Progress;
  readonly safety: Safety;
  /** Aborts with a `StopReason`. */
  readonly signal: AbortSignal;
}

export function outcomeOf(state: RunOutcome['state'], code: ErrorCode, message: string): RunOutcome {
  const { remedy } = new MoltError(code, message);
  return { state, error: { code, message, remedy } };
}

export const errorOf = ({ code, message, remedy }: MoltError): RunError => ({ code, message, remedy });

const final = (outcome: RunOutcome): RunEnd => ({ next: 'final', outcome, wasSent: true });

/** The action came to its end. */
export function resultEnd(result: ActionResult, ending: Ending): RunEnd {
  const { progress, safety, signal } = ending;
  if (progress.unreached !== undefined) return laterEnd(progress.unreached);
  if (safety === 'guarded') return final(guardedOutcome(result, ending));
  return final(signal.aborted ? stoppedOutcome(ending) : resultOutcome(result));
}

/** The action rejected. */
export function errorEnd(error: MoltError, ending: Ending): RunEnd {
  const { progress, safety, signal } = ending;
  if (progress.unreached !== undefined) return laterEnd(progress.unreached);
  if (safety === 'guarded' && progress.result?.endedBy !== undefined)
    return final(guardedOutcome(progress.result, ending));
  // What the record on the target says is true, whatever we asked for.
  const isLost = safety === 'guarded' && progress.started && error.code === 'MOLT_RUN_LOST';
  if (signal.aborted && !isLost) return final(stoppedOutcome(ending));
  return failedEnd(error, ending);
}

function failedEnd(error: MoltError, { progress: { started }, safety }: Ending): RunEnd {
  const { code } = error;
  const again = isWorthRepeating(code) && !started;
  const outcome = { state: failedState(code, started, safety), error: errorOf(error) };
  if (again || (safety === 'again' && (isWorthRepeating(code) || outcome.state === 'unknown')))
    return { next: 'again', outcome, wasSent: started };
  return { next: 'final', outcome, wasSent: started };
}

function failedState(code: ErrorCode, started: boolean, safety: Safety): RunOutcome['state'] {
  if (!started) return code === 'MOLT_RUN_EXPIRED' ? 'expired' : 'failed';
  // Only a broken link or a record that is gone leaves the end of a started command open; an action's own error is its end.
  if (code === 'MOLT_SSH_LOST' || code === 'MOLT_RUN_LOST') return 'unknown';
  if (safety !== 'guarded') return 'failed';
  return code === 'MOLT_RUN_CANCELLED' ? 'cancelled' : 'failed';
}

function laterEnd(error: unknown): RunEnd {
  const why = error instanceof Error ? error.message : String(error);
  const message = `the target could not be reached to learn the end: ${why}`;
  return { next: 'later', outcome: outcomeOf('unknown', 'MOLT_RUN_LOST', message), wasSent: true };
}

function resultOutcome({ exitCode, signal, data }: ActionResult): RunOutcome {
  const succeeded = signal === undefined && (exitCode ?? 0) === 0;
  return { state: succeeded ? 'succeeded' : 'failed', exitCode, signal, data };
}

/** The target knows what ended a guarded command; that we asked it to end says little. */
function guardedOutcome(result: ActionResult, ending: Ending): RunOutcome {
  const { order, progress, signal } = ending;
  const { endedBy, killed } = progress.result ?? {};
  if (endedBy === 'timeout' && (!signal.aborted || signal.reason === 'cancelled')) {
    const { isDeadline } = longestTime(order, order.task.acceptedAt);
    return stopped(isDeadline ? 'deadline' : 'timed-out', ending);
  }
  if (signal.aborted && (endedBy !== undefined || killed !== undefined || result.exitCode === undefined))
    return stoppedOutcome(ending);
  return endedBy === 'cancel' ? stopped('cancelled', ending) : resultOutcome(result);
}

/** How a run ends that was told to: what it was told, and whether its processes were seen to be gone. */
const stoppedOutcome = (ending: Ending): RunOutcome => stopped(ending.signal.reason as StopReason, ending);

function stopped(reason: StopReason, { order, progress, safety }: Ending): RunOutcome {
  const { started, isOpen, killed } = progress;
  const isGone = !started || (safety === 'guarded' ? !isOpen : killed === 'verified');
  const fate = !started ? 'it had not started' : isGone ? 'its processes are gone' : 'its processes may still run';
  const { totalMs, idleMs, deadlineMs } = order.task.limits;
  switch (reason) {
    case 'timed-out':
      return outcomeOf('timed-out', 'MOLT_RUN_TIMEOUT', `ran longer than ${formatDuration(totalMs)}; ${fate}`);
    case 'deadline':
      return outcomeOf(
        'timed-out',
        'MOLT_RUN_TIMEOUT',
        `ran past its deadline, ${formatDuration(deadlineMs)}; ${fate}`,
      );
    case 'idle':
      return outcomeOf('timed-out', 'MOLT_RUN_IDLE', `printed nothing for ${formatDuration(idleMs)}; ${fate}`);
    case 'cancelled':
      if (isGone) return outcomeOf('cancelled', 'MOLT_RUN_CANCELLED', `cancelled; ${fate}`);
      break;
    default:
  }
  return outcomeOf('unknown', 'MOLT_RUN_LOST', `told to end (${reason}); ${fate}`);
}
