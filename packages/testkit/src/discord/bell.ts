/** Tells everyone who listens, in the order they came. */
export interface Bell<T> {
  ring(value: T): void;
  /** @returns what ends the listening */
  listen(listener: (value: T) => void): () => void;
}

export function createBell<T>(): Bell<T> {
  const listeners = new Set<(value: T) => void>();
  return {
    ring(value) {
      for (const listener of [...listeners]) listener(value);
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
