/** What is remembered for some time, by key. */
export interface Remembered<T> {
  get(key: string): T | undefined;
  set(key: string, value: T): void;
}

export function createRemembered<T>(forMs: number): Remembered<T> {
  const known = new Map<string, { readonly value: T; readonly until: number }>();
  return {
    get(key) {
      const entry = known.get(key);
      return entry && entry.until > Date.now() ? entry.value : undefined;
    },
    set: (key, value) => void known.set(key, { value, until: Date.now() + forMs }),
  };
}
