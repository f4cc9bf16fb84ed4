const ladderMs = [5_000, 30_000, 120_000, 600_000] as const;
const askedAtMostMs = 3_600_000;

/**
 * How long a message waits for its next try, ms.
 * @param tries that failed before this one
 * @param retryAfterMs what the receiver asked for; it lengthens the wait, up to an hour, and never shortens it
 */
export function delayAfter(tries: number, retryAfterMs = 0): number {
  const usual = ladderMs[Math.min(tries, ladderMs.length - 1)] ?? ladderMs[0];
  return Math.max(usual, Math.min(retryAfterMs, askedAtMostMs));
}
