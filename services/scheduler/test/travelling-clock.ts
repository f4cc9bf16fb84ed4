import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '@moltbot/shared';

/**
 * Time that passes when a test says so, for a store, a door and schedulers alike: leases are of this time as well, since the embedded store
 * takes a clock. The wall clock is the monotonic one and an offset, as in a machine.
 */
export interface TravellingClock extends Clock {
  /** Time passes, from one timer to the next. What a timer starts has come to rest before time goes on. */
  pass(ms: number): Promise<void>;
  /** As `pass`, until the condition holds. @throws an Error naming `what` when it does not within `withinMs` (default 60 s) */
  passUntil(what: string, condition: () => unknown, withinMs?: number): Promise<void>;
  /** As `pass`, until the promise has settled. */
  passWhile<T>(promise: Promise<T>): Promise<T>;
  /** The machine sleeps, and wakes up so much later. Its monotonic clock goes on meanwhile, or stands still: systems differ. */
  suspend(ms: number, monotonic: 'goes-on' | 'stands'): Promise<void>;
  /** As a suspend with a monotonic clock that goes on, to this instant: the time in between is of no interest. */
  leapTo(at: number): Promise<void>;
  /** Somebody sets the wall clock, by so much forward or back; timers know nothing of it. */
  setBy(ms: number): Promise<void>;
  /** Wraps a service whose calls are of no time: time stands still while one is under way. */
  holding<T extends object>(service: T): T;
}

interface Sleeper {
  readonly wakeAt: number;
  readonly wake: () => void;
}

/** Turns of the event loop in which nothing is under way: what follows a call has begun by then. */
const turnsOfRest = 4;
/** For `passWhile`: what takes longer hangs. */
const longestMs = 600_000;

/** @param begin epoch ms */
export function createTravellingClock(begin: number): TravellingClock {
  let monotonic = 1_000;
  let offset = begin - monotonic;
  let underWay = 0;
  const sleepers = new Set<Sleeper>();

  const rest = async (): Promise<void> => {
    for (let turns = 0; turns < turnsOfRest; turns += 1) {
      await turn();
      if (underWay > 0) turns = 0;
    }
  };
  const wakeDue = (): void => {
    const due = [...sleepers].filter(({ wakeAt }) => wakeAt <= monotonic);
    for (const sleeper of due.sort((a, b) => a.wakeAt - b.wakeAt)) sleeper.wake();
  };
  /** To the next timer, or to `end` when that is earlier. */
  const step = async (end: number): Promise<void> => {
    const next = Math.min(end, ...[...sleepers].map(({ wakeAt }) => wakeAt));
    monotonic = Math.max(monotonic, next);
    wakeDue();
    await rest();
  };
  const passUntil: TravellingClock['passUntil'] = async (what, condition, withinMs = 60_000) => {
    const end = monotonic + withinMs;
    await rest();
    while (!(await condition())) {
      if (monotonic >= end) throw new Error(`${what}: not within ${withinMs} ms of travelled time`);
      await step(end);
    }
  };
  const suspend: TravellingClock['suspend'] = async (ms, clock) => {
    await rest();
    if (clock === 'stands') offset += ms;
    else monotonic += ms;
    wakeDue();
    await rest();
  };
  const now = (): number => monotonic + offset;

  return {
    ...{ now, passUntil, suspend, monotonic: () => monotonic },
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const end = (): void => {
          sleepers.delete(sleeper);
          signal?.removeEventListener('abort', onAbort);
        };
        const onAbort = (): void => {
          end();
          reject(signal?.reason);
        };
        const wake = (): void => {
          end();
          resolve();
        };
        const sleeper: Sleeper = { wakeAt: monotonic + Math.max(1, ms), wake };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', onAbort);
      }),
    async pass(ms) {
      const end = monotonic + ms;
      await passUntil('the end of the time', () => monotonic >= end, ms);
    },
    async passWhile(promise) {
      let hasSettled = false;
      const settled = promise.finally(() => {
        hasSettled = true;
      });
      // A rejection is for whoever awaits what is returned.
      settled.catch(() => {});
      await passUntil('what is waited for', () => hasSettled, longestMs);
      return settled;
    },
    leapTo: (at) => suspend(at - now(), 'goes-on'),
    async setBy(ms) {
      await rest();
      offset += ms;
      await rest();
    },
    holding: (service) =>
      new Proxy(service, {
        get(target, key) {
          const value: unknown = Reflect.get(target, key);
          if (typeof value !== 'function') return value;
          return (...args: readonly unknown[]): unknown => {
            const answer: unknown = Reflect.apply(value, target, args);
            if (!(answer instanceof Promise)) return answer;
            underWay += 1;
            return answer.finally(() => {
              underWay -= 1;
            });
          };
        },
      }),
  };
}
