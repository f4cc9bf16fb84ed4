/** Counts what happened in the time just past, for each key. */
export interface Windows {
  /** @returns nothing if it fits, or the milliseconds until it would; what does not fit is not counted */
  take(key: string, limit: number, windowMs?: number): number | undefined;
}

/** Windows slide; one second unless said otherwise. */
export function createWindows(): Windows {
  const taken = new Map<string, number[]>();
  return {
    take(key, limit, windowMs = 1_000) {
      const now = Date.now();
      const times = (taken.get(key) ?? []).filter((at) => at > now - windowMs);
      taken.set(key, times);
      const first = times[times.length - limit];
      if (first !== undefined) return first + windowMs - now;
      times.push(now);
      return undefined;
    },
  };
}
