import type { Clock } from '@moltbot/shared';

/**
 * Runs `work` under a signal that aborts with `reason()` after `ms`, or with the outer signal's reason when that aborts first.
 * The work itself must obey the signal: its outcome is waited for, so nothing it took can be left behind.
 */
export async function withTimeLimit<T>(
  limit: { readonly ms: number; readonly reason: () => Error; readonly outer?: AbortSignal; readonly clock: Clock },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { ms, reason, outer, clock } = limit;
  const own = new AbortController();
  const sleeping = new AbortController();
  const onOuter = (): void => own.abort(outer?.reason);
  if (outer?.aborted) onOuter();
  outer?.addEventListener('abort', onOuter, { once: true });
  clock.sleep(ms, sleeping.signal).then(
    () => own.abort(reason()),
    () => {},
  );
  try {
    return await work(own.signal);
  } finally {
    sleeping.abort();
    outer?.removeEventListener('abort', onOuter);
  }
}

/** Settles as `promise` does, or resolves to undefined after `ms`. */
export async function settledWithin<T>(clock: Clock, ms: number, promise: Promise<T>): Promise<T | undefined> {
  const sleeping = new AbortController();
  const late = clock.sleep(ms, sleeping.signal).then(
    () => undefined,
    () => undefined,
  );
  try {
    return await Promise.race([promise, late]);
  } finally {
    sleeping.abort();
  }
}

/** Settles as `promise` does, or rejects with the reason of the signal. For work that holds nothing. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
