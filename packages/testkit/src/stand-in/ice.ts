/** What everybody waits for while it is frozen. */
export interface Ice {
  freeze(): void;
  thaw(): void;
  melted(): Promise<void>;
}

export function createIce(): Ice {
  let frozen: PromiseWithResolvers<void> | undefined;
  return {
    freeze() {
      frozen ??= Promise.withResolvers();
    },
    thaw() {
      frozen?.resolve();
      frozen = undefined;
    },
    async melted() {
      // Frozen again before those who waited got on.
      while (frozen) await frozen.promise;
    },
  };
}
