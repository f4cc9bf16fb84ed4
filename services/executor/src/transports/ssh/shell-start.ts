import type { Clock, Logger } from '@moltbot/shared';
import { NotSentError } from './engine.ts';
import { NoShellError } from './no-shell-error.ts';
import type { PooledShell } from './resident-pool.ts';
import type { Place } from './shared-connection.ts';
import { createSlots } from './slots.ts';

/** How long it is remembered that a host runs no shell of ours, ms: long when it said so, as a forced command is run by each try. */
const noShellMs = { answer: 600_000, silence: 30_000 } as const;

/** Starts resident shells, and remembers whether the host runs them. */
export interface ShellStart {
  /**
   * Starts one on a place; the first one alone, so that a host that runs none is not asked by many.
   * @param needsOne the command cannot do without: a host that was silent before is asked again
   * @throws what `Place.openShell` does; a NoShellError is remembered and given again for a while
   */
  open(place: Place, signal: AbortSignal, needsOne: boolean): Promise<PooledShell>;
  /** Why none is to be asked for now. */
  refused(): NoShellError | undefined;
}

export function createShellStart({ clock, log }: { readonly clock: Clock; readonly log: Logger }): ShellStart {
  const proving = createSlots(1);
  let isProven = false;
  let no: { readonly error: NoShellError; readonly until: number } | undefined;

  const refused = (): NoShellError | undefined => (no && clock.monotonic() < no.until ? no.error : undefined);
  const remember = (error: NoShellError): void => {
    no = { error, until: clock.monotonic() + (error.isAnswer ? noShellMs.answer : noShellMs.silence) };
    log.warn({ err: error }, 'the host runs no shell of ours');
  };
  return {
    refused,
    async open(place, signal, needsOne) {
      const free = isProven ? undefined : await proving.acquire({ signal });
      if (isProven) free?.();
      try {
        const known = refused();
        if (known && !(needsOne && known.isSilence)) throw known;
        const shell = await place.openShell(signal);
        isProven = true;
        return shell;
      } catch (error) {
        if (!(error instanceof NoShellError) || error === refused()) throw error;
        // It ran some before: it is asked once more before it is believed.
        if (isProven) {
          isProven = false;
          throw new NotSentError(false, error);
        }
        remember(error);
        throw error;
      } finally {
        free?.();
      }
    },
  };
}
