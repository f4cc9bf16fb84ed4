import { MoltError } from '@moltbot/shared';
import type { StopReason } from './active-runs.ts';

/** How a run is told to end, and how it is let go. */
export interface Leash {
  /** Aborts with the reason when the command has to end. */
  readonly signal: AbortSignal;
  /** Aborts with the reason when we let go of the run, and its command goes on without us. */
  readonly release: AbortSignal;
  /** Resolves when `release` aborts. */
  readonly detached: Promise<undefined>;
  readonly stop: (reason: StopReason) => void;
  /** @throws MOLT_SHUTTING_DOWN once detached: what has not started must not start any more */
  readonly assertAttached: () => void;
}

export function createLeash(): Leash {
  const control = new AbortController();
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const release = new AbortController();
  return {
    signal: control.signal,
    release: release.signal,
    detached: promise,
    stop(reason) {
      if (reason === 'fenced' || reason === 'handed-over') {
        release.abort(reason);
        resolve(undefined);
      } else if (!control.signal.aborted) {
        control.abort(reason);
      }
    },
    assertAttached() {
      if (release.signal.aborted)
        throw new MoltError('MOLT_SHUTTING_DOWN', 'the worker let go of the run before it started');
    },
  };
}
