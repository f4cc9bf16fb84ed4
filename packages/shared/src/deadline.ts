import { MoltError } from './errors.ts';

/**
 * Runs `work` with a signal that aborts after `ms`, or when `outer` does.
 * @throws MOLT_DEADLINE naming `what` when the time ends first; the outer signal's reason when that aborts first.
 */
export async function withDeadline<T>(
  options: { readonly ms: number; readonly what: string; readonly outer?: AbortSignal | undefined },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { ms, what, outer } = options;
  const own = new AbortController();
  const timer = setTimeout(() => own.abort(new MoltError('MOLT_DEADLINE', `${what} took longer than ${ms} ms`)), ms);
  const signal = outer ? AbortSignal.any([own.signal, outer]) : own.signal;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work(signal), aborted]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}
