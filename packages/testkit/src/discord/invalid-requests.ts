/** Too many answers 401, 403 and 429 in ten minutes shut the address out. */
export interface InvalidRequests {
  add(): void;
  isShutOut(): boolean;
}

const windowMs = 600_000;

export function createInvalidRequests(limit: number): InvalidRequests {
  const times: number[] = [];
  return {
    add() {
      times.push(Date.now());
    },
    isShutOut() {
      while ((times[0] ?? Number.POSITIVE_INFINITY) < Date.now() - windowMs) times.shift();
      return times.length >= limit;
    },
  };
}
