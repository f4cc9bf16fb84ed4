/** Work of one kind, of which only so much is under way at a time; the rest waits in the order in which it came. */
export interface Lane {
  run(work: () => Promise<void>): void;
  /** Places for work that need not wait. */
  room(): number;
  /** Drops what waits; resolves when what is under way has ended. */
  close(): Promise<void>;
}

/** @param atOnce at one time @param onRoom called when work has ended and none waits */
export function createLane(atOnce: number, onRoom: () => void = () => {}): Lane {
  const running = new Set<Promise<void>>();
  let waiting: (() => Promise<void>)[] = [];
  let next = 0;
  const pump = (): void => {
    while (running.size < atOnce && next < waiting.length) {
      const work = waiting[next];
      next += 1;
      if (!work) continue;
      const tracked = work().finally(() => {
        running.delete(tracked);
        pump();
        if (waiting.length === 0) onRoom();
      });
      running.add(tracked);
    }
    if (next === waiting.length) [waiting, next] = [[], 0];
  };
  return {
    run(work) {
      waiting.push(work);
      pump();
    },
    room: () => Math.max(0, atOnce - running.size - (waiting.length - next)),
    async close() {
      [waiting, next] = [[], 0];
      await Promise.allSettled(running);
    },
  };
}
