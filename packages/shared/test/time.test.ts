import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { backoffMs, systemClock, withDeadline } from '../src/index.ts';

describe('withDeadline', () => {
  const never = (signal: AbortSignal): Promise<never> =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('the work saw it'))));

  test('gives what the work gives, and leaves no timer and no listener', async () => {
    vi.useFakeTimers();
    try {
      const outer = new AbortController();
      const removed = vi.spyOn(AbortSignal.prototype, 'removeEventListener');
      await expect(withDeadline({ ms: 1_000, what: 'it', outer: outer.signal }, async () => 7)).resolves.toBe(7);
      expect(removed).toHaveBeenCalledOnce();
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.restoreAllMocks();
      vi.useRealTimers();
    }
  });

  test('rejects with what the work rejects with', async () => {
    const boom = new Error('boom');
    await expect(withDeadline({ ms: 1_000, what: 'it' }, () => Promise.reject(boom))).rejects.toBe(boom);
  });

  test('ends with MOLT_DEADLINE naming what took too long, and aborts the work', async () => {
    let seen: AbortSignal | undefined;
    const late = withDeadline({ ms: 5, what: 'the store' }, (signal) => {
      seen = signal;
      return new Promise(() => {});
    });
    await expect(late).rejects.toMatchObject({ code: 'MOLT_DEADLINE', message: 'the store took longer than 5 ms' });
    expect(seen?.aborted).toBe(true);
  });

  test('ends with the reason of the outer signal when that comes first, or came before', async () => {
    const outer = new AbortController();
    const reason = new Error('shutting down');
    const waiting = withDeadline({ ms: 60_000, what: 'it', outer: outer.signal }, never);
    outer.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(
      withDeadline({ ms: 60_000, what: 'it', outer: outer.signal }, () => new Promise(() => {})),
    ).rejects.toBe(reason);
  });
});

describe('backoffMs', () => {
  test('doubles from the base to the most, without jitter', () => {
    const options = { baseMs: 100, maxMs: 1_000, jitter: 0 };
    expect([0, 1, 2, 3, 4, 5, 6, 1_000].map((attempt) => backoffMs(attempt, options))).toEqual([
      100, 100, 200, 400, 800, 1_000, 1_000, 1_000,
    ]);
  });

  test('stays between its share of the full delay and the full delay', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (attempt, random) => {
          const full = backoffMs(attempt, { jitter: 0 });
          const delay = backoffMs(attempt, { jitter: 0.5, random: () => random });
          expect(delay).toBeGreaterThanOrEqual(Math.floor(full / 2));
          expect(delay).toBeLessThanOrEqual(full);
        },
      ),
    );
  });
});

test('the clock sleeps until it is aborted', async () => {
  const reason = new Error('enough');
  await expect(systemClock.sleep(60_000, AbortSignal.abort(reason))).rejects.toMatchObject({ cause: reason });
  const before = systemClock.monotonic();
  await systemClock.sleep(2);
  expect(systemClock.monotonic()).toBeGreaterThan(before);
});
