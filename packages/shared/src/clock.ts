import { setTimeout as delay } from 'node:timers/promises';

/** Time as a collaborator, so that tests can move it. */
export interface Clock {
  /** Epoch milliseconds, UTC. May jump. For records and people. */
  now(): number;
  /** Milliseconds that only grow. For measuring and for leases held in this process. */
  monotonic(): number;
  /** Resolves after `ms`; rejects with the signal's reason when aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) => delay(ms, undefined, signal ? { signal } : undefined),
};
