/** A bounded number of places, given out first come, first served. */
export interface Slots {
  /**
   * Resolves to the function that gives the place back (once; more is harmless).
   * @param options `front` puts it before all who wait
   * @throws the reason of the signal, or of `close`
   */
  acquire(options: { readonly signal: AbortSignal; readonly front?: boolean }): Promise<() => void>;
  /** A place at once, or undefined when there is none free. */
  tryAcquire(): (() => void) | undefined;
  /** Changes the number of places; those taken stay taken. */
  resize(limit: number): void;
  inUse(): number;
  /** Would `tryAcquire` give a place now? */
  hasRoom(): boolean;
  /** Refuses all who wait, and who come later, with this reason. */
  close(reason: Error): void;
}

interface Waiter {
  readonly admit: () => void;
  readonly refuse: (reason: unknown) => void;
}

export function createSlots(initialLimit: number): Slots {
  const waiters: Waiter[] = [];
  let limit = initialLimit;
  let inUse = 0;
  let closedWith: Error | undefined;

  const take = (): (() => void) => {
    inUse++;
    let given = false;
    return () => {
      if (given) return;
      given = true;
      inUse--;
      admitNext();
    };
  };
  const admitNext = (): void => {
    while (inUse < limit && waiters.length > 0) waiters.shift()?.admit();
  };
  const hasRoom = (): boolean => closedWith === undefined && inUse < limit && waiters.length === 0;
  const tryAcquire = (): (() => void) | undefined => (hasRoom() ? take() : undefined);

  return {
    tryAcquire,
    async acquire({ signal, front = false }) {
      signal.throwIfAborted();
      if (closedWith) throw closedWith;
      const free = tryAcquire();
      if (free) return free;
      const { promise, resolve, reject } = Promise.withResolvers<() => void>();
      const waiter: Waiter = { admit: () => resolve(take()), refuse: reject };
      const leave = (): void => {
        const index = waiters.indexOf(waiter);
        if (index >= 0) waiters.splice(index, 1);
        reject(signal.reason);
      };
      if (front) waiters.unshift(waiter);
      else waiters.push(waiter);
      signal.addEventListener('abort', leave, { once: true });
      admitNext();
      try {
        return await promise;
      } finally {
        signal.removeEventListener('abort', leave);
      }
    },
    resize(next) {
      limit = next;
      admitNext();
    },
    inUse: () => inUse,
    hasRoom,
    close(reason) {
      closedWith = reason;
      for (const waiter of waiters.splice(0)) waiter.refuse(reason);
    },
  };
}
