/** Counts what is in hand, and tells when nothing is. */
export interface Tally {
  add(): void;
  remove(amount?: number): void;
  /** Resolves when nothing is in hand, or when `force` aborts. */
  idle(force: AbortSignal): Promise<void>;
}

export function createTally(): Tally {
  const waiters = new Set<() => void>();
  let count = 0;
  return {
    add: () => {
      count += 1;
    },
    remove: (amount = 1) => {
      count -= amount;
      if (count > 0) return;
      for (const wake of waiters) wake();
    },
    idle: (force) =>
      new Promise((resolve) => {
        if (count === 0 || force.aborted) return resolve();
        const wake = (): void => {
          waiters.delete(wake);
          force.removeEventListener('abort', wake);
          resolve();
        };
        waiters.add(wake);
        force.addEventListener('abort', wake);
      }),
  };
}
