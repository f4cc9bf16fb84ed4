/** Who wants to know of changes, by topic. */
export interface Watchers {
  /** Returns how to end it; ending twice does nothing. */
  add(topic: string, wake: () => void): () => void;
  wake(topic: string): void;
  wakeAll(): void;
  topics(): readonly string[];
}

/** @param changed called when a topic gets its first watcher, and when its last one is gone */
export function createWatchers(changed: (topic: string, watched: boolean) => void = () => {}): Watchers {
  const byTopic = new Map<string, Set<() => void>>();
  const wakeSet = (wakes: ReadonlySet<() => void>): void => {
    for (const wake of [...wakes]) wake();
  };
  return {
    add(topic, wake) {
      const wakes = byTopic.get(topic) ?? new Set();
      // The same function may watch twice: each registration is its own.
      const own = (): void => wake();
      wakes.add(own);
      if (wakes.size === 1) {
        byTopic.set(topic, wakes);
        changed(topic, true);
      }
      return () => {
        if (!wakes.delete(own) || wakes.size > 0) return;
        byTopic.delete(topic);
        changed(topic, false);
      };
    },
    wake: (topic) => wakeSet(byTopic.get(topic) ?? new Set()),
    wakeAll() {
      for (const wakes of [...byTopic.values()]) wakeSet(wakes);
    },
    topics: () => [...byTopic.keys()],
  };
}
