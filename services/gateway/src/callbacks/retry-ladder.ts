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
