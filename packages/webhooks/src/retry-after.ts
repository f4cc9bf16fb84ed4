/** A Retry-After header, seconds or a date (RFC 9110 §10.2.3), in ms from `now`; 0 when it says nothing of use. */
export function retryAfterToMs(header: string | undefined, now: number): number {
  if (header === undefined) return 0;
  const ms = /^\s*\d+\s*$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? 0 : Math.max(ms, 0);
}
