import type { RateDecision } from './port.ts';

/** A bucket of `burst` tokens that is refilled with `perSecond` of them a second. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

export interface GcraResult {
  readonly decision: RateDecision;
  /** Epoch µs at which the bucket is full again: the state to keep. Unchanged when refused. */
  readonly fullAtUs: number;
}

/** Microseconds in which one token comes back. Whole, so that every implementation counts alike. */
export const tokenUs = (perSecond: number): number => Math.max(1, Math.round(1_000_000 / perSecond));

/**
 * Takes one token by the generic cell rate algorithm (ITU-T I.371): one number of state, no timer.
 * @param fullAtUs what the call before returned; 0 for a bucket never used
 * @param nowUs epoch µs
 */
export function gcra(fullAtUs: number, nowUs: number, { perSecond, burst }: Rate): GcraResult {
  const token = tokenUs(perSecond);
  const from = Math.max(fullAtUs, nowUs);
  const after = from + token;
  const allowedAt = after - token * burst;
  if (allowedAt > nowUs) {
    const retryAfterMs = Math.ceil((allowedAt - nowUs) / 1_000);
    const resetMs = Math.ceil((from - nowUs) / 1_000);
    return { fullAtUs, decision: { allowed: false, remaining: 0, retryAfterMs, resetMs } };
  }
  const remaining = Math.floor((nowUs - allowedAt) / token);
  const resetMs = Math.ceil((after - nowUs) / 1_000);
  return { fullAtUs: after, decision: { allowed: true, remaining, retryAfterMs: 0, resetMs } };
}
