/** Work by channel: what is of one channel is done in the order in which it came, channels beside each other. */
export interface Lanes {
  /** `work` must not reject. */
  add(channel: string, work: () => Promise<void>): void;
  /** Resolves when all that was added is done. */
  idle(): Promise<void>;
}

export function createLanes(): Lanes {
  const last = new Map<string, Promise<void>>();
  return {
    add(channel, work) {
      const mine: Promise<void> = (last.get(channel) ?? Promise.resolve()).then(work).finally(() => {
        if (last.get(channel) === mine) last.delete(channel);
      });
      last.set(channel, mine);
    },
    async idle() {
      while (last.size > 0) await Promise.all(last.values());
    },
  };
}
