/** Is called after a change, with what was told of it. */
export type Wake = (note?: string) => void;

/** Who wants to know of changes, by topic. */
export interface Watchers {
  /** Returns how to end it; ending twice does nothing. */
  add(topic: string, wake: Wake): () => void;
  wake(topic: string, note?: string): void;
  wakeAll(): void;
  topics(): readonly string[];
}

/** @param changed called when a topic gets its first watcher, and when its last one is gone */
export function createWatchers(changed: (topic: string, watched: boolean) => void = () => {}): Watchers {
  const byTopic = new Map<string, Set<Wake>>();
  const wakeSet = (wakes: ReadonlySet<Wake>, note?: string): void => {
    for (const wake of [...wakes]) wake(note);
  };
  return {
    add(topic, wake) {
      const wakes = byTopic.get(topic) ?? new Set();
      // The same function may watch twice: each registration is its own.
      const own: Wake = (note) => wake(note);
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
    wake: (topic, note) => wakeSet(byTopic.get(topic) ?? new Set(), note),
    wakeAll() {
      for (const wakes of [...byTopic.values()]) wakeSet(wakes);
    },
    topics: () => [...byTopic.keys()],
  };
}
