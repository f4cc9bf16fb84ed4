import { setTimeout as delay } from 'node:timers/promises';

/** What is left of a probe's answer once it found something. */
export type Found<T> = Exclude<T, undefined | null | false>;

/**
 * Waits until `probe` gives something other than undefined, false or null, or stops throwing; asks every `everyMs`.
 * @throws an Error naming `what` and the last failure after `withinMs` (default 15 s).
 */
export async function eventually<T>(
  what: string,
  probe: () => T | Promise<T>,
  { withinMs = 15_000, everyMs = 20 }: { readonly withinMs?: number; readonly everyMs?: number } = {},
): Promise<Found<T>> {
  const end = performance.now() + withinMs;
  let last: unknown = 'it stayed empty';
  while (performance.now() < end) {
    try {
      const value = await probe();
      if (value !== undefined && value !== null && value !== false) return value as Found<T>;
    } catch (error) {
      last = error;
    }
    await delay(everyMs);
  }
  throw new Error(`${what}: not within ${withinMs} ms (${String(last)})`);
}
