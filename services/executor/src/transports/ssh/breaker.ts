import { type Clock, formatDuration, MoltError } from '@moltbot/shared';

/**
 * - `network`: the host was not reached. After three in a row nothing is tried for 5 s, doubling to 60 s.
 * - `refusal`: the host was reached and one side refused the other: a key, an identity. Each is followed by a pause of 2 s,
 *   doubling to 60 s, in which the same refusal is given again: no loop of log-ins that a host would punish.
 */
export type FailureKind = 'network' | 'refusal';

/** Remembers how connecting to one target went, and says whether it may be tried now. */
export interface Breaker {
  /** The error to give instead of trying, or undefined when a try is allowed. */
  block(): MoltError | undefined;
  /** @param context what the failure depends on; the pause of a refusal ends when it is another one in `forgive` */
  failed(kind: FailureKind, error: MoltError, context?: string): void;
  succeeded(): void;
  /** The context of the refusal that pauses now, if any. */
  refusalContext(): string | undefined;
  /** Ends the pause of a refusal: what it depended on has changed. */
  forgive(): void;
  /** Nothing is remembered that could still matter: no failure, or an old one. */
  isForgettable(): boolean;
}

const networkThreshold = 3;
/** Older failures than this say nothing any more, ms. */
const memoryMs = 600_000;
const pauses = { network: { baseMs: 5_000, maxMs: 60_000 }, refusal: { baseMs: 2_000, maxMs: 60_000 } } as const;

interface Pause {
  readonly kind: FailureKind;
  readonly error: MoltError;
  readonly context: string | undefined;
  readonly until: number;
}

export function createBreaker(clock: Pick<Clock, 'monotonic'>): Breaker {
  let failures = 0;
  let refusals = 0;
  let failedAt = 0;
  let pause: Pause | undefined;

  const reset = (): void => {
    failures = 0;
    refusals = 0;
    pause = undefined;
  };
  const pauseFor = (kind: FailureKind, count: number): number => {
    const { baseMs, maxMs } = pauses[kind];
    return Math.min(maxMs, baseMs * 2 ** Math.min(20, count));
  };
  return {
    block() {
      const leftMs = pause === undefined ? 0 : pause.until - clock.monotonic();
      return pause === undefined || leftMs <= 0 ? undefined : blocked(pause, leftMs);
    },
    failed(kind, error, context) {
      failedAt = clock.monotonic();
      if (kind === 'network') failures++;
      else refusals++;
      const count = kind === 'network' ? failures - networkThreshold : refusals - 1;
      pause = count < 0 ? undefined : { kind, error, context, until: clock.monotonic() + pauseFor(kind, count) };
    },
    succeeded: reset,
    refusalContext: () => (pause?.kind === 'refusal' ? pause.context : undefined),
    forgive: reset,
    isForgettable: () => failures + refusals === 0 || clock.monotonic() > failedAt + memoryMs,
  };
}

function blocked({ kind, error }: Pause, leftMs: number): MoltError {
  const wait = formatDuration(Math.ceil(leftMs / 1_000) * 1_000);
  const details = { ...error.details, retryAfterMs: Math.ceil(leftMs) };
  if (kind === 'network') {
    const message = `the last tries failed (${error.message}); the next is made in ${wait}`;
    return new MoltError('MOLT_SSH_BREAKER', message, { cause: error, details });
  }
  return new MoltError(error.code, `${error.message} (not tried again for ${wait})`, {
    cause: error,
    details,
    remedy: error.remedy,
  });
}
