import { type DelayRung, delayRungs } from '@moltbot/bus';

const ladder: readonly DelayRung[] = ['5s', '30s', '2m', '10m'];

/**
 * How long a reply waits for its next try.
 * @param tries that failed before this one
 * @param retryAfterMs what the receiver asked for; it lengthens the wait, up to the last rung, and never shortens it
 */
export function rungAfter(tries: number, retryAfterMs = 0): DelayRung {
  const usual = ladder.slice(tries);
  return usual.find((rung) => delayRungs[rung] >= retryAfterMs) ?? '10m';
}

/** A Retry-After header, seconds or a date (RFC 9110 §10.2.3), in ms from `now`; 0 when it says nothing of use. */
export function retryAfterToMs(header: string | undefined, now: number): number {
  if (header === undefined) return 0;
  const ms = /^\s*\d+\s*$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? 0 : Math.max(ms, 0);
}
