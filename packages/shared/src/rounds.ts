import type { Clock } from './clock.ts';
import type { Logger } from './logger.ts';

/** Work that is done again and again until the signal aborts; it ends between two steps then. */
export interface Rounds {
  /** For the log: `the sweeper`. */
  readonly name: string;
  readonly everyMs: number;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly log: Logger;
  readonly signal: AbortSignal;
  round(signal: AbortSignal): Promise<unknown>;
}

/** Resolves when the signal has aborted and the round in hand is over. A round that fails is logged, and the next one comes. */
export async function runRounds({ name, everyMs, clock, log, signal, round }: Rounds): Promise<void> {
  while (!signal.aborted) {
    await round(signal).catch((err: unknown) => {
      if (!signal.aborted) log.warn({ err }, `${name} could not finish a round`);
    });
    await clock.sleep(everyMs, signal).catch(() => {});
  }
}
