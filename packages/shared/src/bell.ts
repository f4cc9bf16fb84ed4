/** Wakes one sleeper. A ring while nobody sleeps is kept: the next sleep returns at once. */
export interface Bell {
  readonly ring: () => void;
  /** Resolves at the next ring, or after `ms`. */
  sleep(ms: number): Promise<void>;
}

export function createBell(): Bell {
  let rung = false;
  let wake: (() => void) | undefined;
  return {
    ring() {
      rung = true;
      wake?.();
    },
    async sleep(ms) {
      if (!rung)
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      wake = undefined;
      rung = false;
    },
  };
}
