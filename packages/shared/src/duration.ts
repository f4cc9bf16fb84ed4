import { MoltError } from './errors.ts';

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** What `parseDuration` accepts, for schemas: `250ms`, `30s`, `5m`, `1h30m`, `7d`. */
export const durationPattern: RegExp = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;

/**
 * A duration in the words of a person to milliseconds: `"30s"` → 30000, `"1h30m"` → 5400000.
 * @throws MOLT_BAD_DURATION when the text is not a duration.
 */
export function parseDuration(text: string): number {
  if (!durationPattern.test(text)) {
    throw new MoltError('MOLT_BAD_DURATION', `"${text}" is not a duration`);
  }
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    total += Number(amount) * unitMs[unit as keyof typeof unitMs];
  }
  return Math.round(total);
}

/** Milliseconds to the shortest words that say the same: 90000 → `"1m30s"`. */
export function formatDuration(ms: number): string {
  let rest = Math.max(0, Math.round(ms));
  if (rest === 0) return '0s';
  let text = '';
  for (const unit of ['d', 'h', 'm', 's', 'ms'] as const) {
    const amount = Math.floor(rest / unitMs[unit]);
    rest -= amount * unitMs[unit];
    if (amount > 0) text += `${amount}${unit}`;
  }
  return text;
}
