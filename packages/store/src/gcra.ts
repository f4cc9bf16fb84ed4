import type { RateDecision } from './port.ts';

/** A bucket of `burst` tokens that is refilled with `perSecond` of them a second. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

export interface GcraResult {
  readonly decision: RateDecision;
  /** Tokens taken along with the one asked for. */
  readonly ahead: number;
  /** Epoch µs at which the bucket is full again: the state to keep. Unchanged when refused. */
  readonly fullAtUs: number;
}

/** Microseconds in which one token comes back. Whole, so that every implementation counts alike. */
export const tokenUs = (perSecond: number): number => Math.max(1, Math.round(1_000_000 / perSecond));

/** One of so many tokens that remain may be taken along: a bucket near its end, or a small one, is counted token by token. */
export const spareOneIn = 8;

/**
 * Takes one token, and some along, by the generic cell rate algorithm (ITU-T I.371): one number of state, no timer.
 * @param fullAtUs what the call before returned; 0 for a bucket never used
 * @param nowUs epoch µs
 * @param most tokens that may be taken along, if there are plenty: a whole number
 */
export function gcra(fullAtUs: number, nowUs: number, { perSecond, burst }: Rate, most = 0): GcraResult {
  const token = tokenUs(perSecond);
  const from = Math.max(fullAtUs, nowUs);
  const after = from + token;
  const allowedAt = after - token * burst;
  if (allowedAt > nowUs) {
    const retryAfterMs = Math.ceil((allowedAt - nowUs) / 1_000);
    const resetMs = Math.ceil((from - nowUs) / 1_000);
    return { fullAtUs, ahead: 0, decision: { allowed: false, remaining: 0, retryAfterMs, resetMs } };
  }
  const left = Math.floor((nowUs - allowedAt) / token);
  const ahead = Math.min(most, Math.floor(left / spareOneIn));
  const fullAt = after + token * ahead;
  const resetMs = Math.ceil((fullAt - nowUs) / 1_000);
  return { fullAtUs: fullAt, ahead, decision: { allowed: true, remaining: left - ahead, retryAfterMs: 0, resetMs } };
}
