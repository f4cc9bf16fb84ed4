import { newId, type Service } from '@moltbot/shared';
import { answerEnded } from './answer-ended.ts';
import type { SweeperDeps } from './duty.ts';
import { expireQueued } from './expire-queued.ts';
import { forget } from './forget.ts';
import { publishAgain } from './publish-again.ts';

/**
 * Does what nobody else is there to do: its duties, one after another, in every round.
 * One instance at a time, by lease; two at once would do no harm, as runs are claimed and replies delivered under one id.
 */
export function createSweeper(deps: SweeperDeps): Service {
  const { everyMs = 5_000, store, clock, log } = deps;
  const duties = [publishAgain(deps), expireQueued(deps), answerEnded(deps), forget(deps)];
  const owner = newId();
  const stopped = new AbortController();
  let loop: Promise<void> | undefined;

  /** Once more before each duty: one that took long must not be followed by another under a lease that is over. */
  const holdsLease = async (): Promise<boolean> => (await store.acquireLease('sweeper', owner, everyMs * 3)).held;

  const round = async (): Promise<void> => {
    for (const duty of duties) {
      if (stopped.signal.aborted || !(await holdsLease())) return;
      // What one duty cannot do is no reason to leave the others undone.
      await duty(stopped.signal).catch((err: unknown) => log.warn({ err }, 'the sweeper could not finish a duty'));
    }
  };

  const run = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      await round().catch((err: unknown) => log.warn({ err }, 'the sweeper could not finish its round'));
      await clock.sleep(everyMs, stopped.signal).catch(() => {});
    }
  };

  return {
    name: 'sweeper',
    async start() {
      loop = run();
    },
    async quiesce() {
      stopped.abort();
      await loop;
    },
    async stop() {
      stopped.abort();
      await loop;
      if (loop) await store.releaseLease('sweeper', owner).catch(() => {});
      loop = undefined;
    },
    health: () => ({ ok: true }),
  };
}
