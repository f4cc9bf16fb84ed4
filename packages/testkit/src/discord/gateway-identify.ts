import type { Settings } from './settings.ts';

/** How often clients may begin anew. https://discord.com/developers/docs/events/gateway#session-start-limit-object */
export interface IdentifyBudget {
  /** `throttled`: too soon after the last one of the same key. `exhausted`: more than a day's. */
  take(shardId: number): 'granted' | 'throttled' | 'exhausted';
  limits(): { total: number; remaining: number; reset_after: number; max_concurrency: number };
  /** A new token begins with a new budget. */
  reset(): void;
}

const day = 24 * 3_600_000;

export function createIdentifyBudget({ timing, limits }: Settings): IdentifyBudget {
  const lastOf = new Map<number, number>();
  let used: readonly number[] = [];
  const current = (): readonly number[] => {
    used = used.filter((at) => at > Date.now() - day);
    return used;
  };
  return {
    take(shardId) {
      const now = Date.now();
      const key = shardId % limits.maxConcurrency;
      if (current().length >= limits.identifies) return 'exhausted';
      used = [...used, now];
      if (now - (lastOf.get(key) ?? Number.NEGATIVE_INFINITY) < timing.identify) return 'throttled';
      lastOf.set(key, now);
      return 'granted';
    },
    limits() {
      const [first] = current();
      return {
        total: limits.identifies,
        remaining: Math.max(0, limits.identifies - used.length),
        reset_after: first === undefined ? 0 : first + day - Date.now(),
        max_concurrency: limits.maxConcurrency,
      };
    },
    reset() {
      used = [];
      lastOf.clear();
    },
  };
}
