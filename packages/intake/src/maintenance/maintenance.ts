import { answerEnded } from './answer-ended.ts';
import type { Duty, DutyDeps } from './duty.ts';
import { expireQueued } from './expire-queued.ts';
import { forget } from './forget.ts';
import { publishAgain } from './publish-again.ts';

/**
 * What nobody else is there to do for accepted tasks: publish what a dead door left, expire what was not started in time, tell ends
 * that nobody told, forget what is old. For whoever leads, every few seconds; two at once would do no harm, as runs are claimed
 * and replies delivered under one id.
 */
export function createMaintenance(deps: DutyDeps): Duty {
  const duties = [publishAgain(deps), expireQueued(deps), answerEnded(deps), forget(deps)];
  return async (signal) => {
    for (const duty of duties) {
      if (signal.aborted) return;
      // What one duty cannot do is no reason to leave the others undone.
      await duty(signal).catch((err: unknown) => deps.log.warn({ err }, 'a duty could not be finished'));
    }
  };
}
