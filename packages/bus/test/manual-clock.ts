import type { Clock } from '@moltbot/shared';

/** A clock that stands until it is moved. */
export interface ManualClock extends Clock {
  advance(ms: number): void;
  /** How far away the next sleeper's end is, ms; undefined when nobody sleeps. */
  nextWake(): number | undefined;
}

export function createManualClock(): ManualClock {
  const sleepers = new Map<() => void, number>();
  let now = 1_000_000;
  return {
    now: () => now,
    monotonic: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const wake = (): void => resolve();
        sleepers.set(wake, now + ms);
        signal?.addEventListener('abort', () => {
          sleepers.delete(wake);
          reject(signal.reason);
        });
      }),
    advance: (ms) => {
      now += ms;
      for (const [wake, at] of sleepers) {
        if (at > now) continue;
        sleepers.delete(wake);
        wake();
      }
    },
    nextWake: () => (sleepers.size === 0 ? undefined : Math.min(...sleepers.values()) - now),
  };
}
