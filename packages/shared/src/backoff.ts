export interface BackoffOptions {
  /** First delay, ms. Default 100. */
  readonly baseMs?: number;
  /** Largest delay, ms. Default 10 000. */
  readonly maxMs?: number;
  /** Share of the delay that is random, 0..1. Default 0.3. */
  readonly jitter?: number;
  /** Source of randomness in [0, 1). Default Math.random. */
  readonly random?: () => number;
}

/** The delay before try number `attempt` (1-based), in ms: doubles from `baseMs` to `maxMs`, minus up to `jitter` of it. */
export function backoffMs(attempt: number, options: BackoffOptions = {}): number {
  const { baseMs = 100, maxMs = 10_000, jitter = 0.3, random = Math.random } = options;
  const full = Math.min(maxMs, baseMs * 2 ** Math.min(30, Math.max(0, attempt - 1)));
  return Math.round(full * (1 - jitter * random()));
}
