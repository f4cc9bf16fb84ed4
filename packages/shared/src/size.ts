import { MoltError } from './errors.ts';

const unitBytes = { GiB: 2 ** 30, MiB: 2 ** 20, KiB: 2 ** 10, B: 1 } as const;

/** What `parseSize` accepts, for schemas: `512B`, `64KiB`, `1.5MiB`, `2GiB`. */
export const sizePattern: RegExp = /^\d+(?:\.\d+)?(?:B|KiB|MiB|GiB)$/;

/**
 * A size in the words of a person to bytes: `"64KiB"` → 65536.
 * @throws MOLT_BAD_CONFIG when the text is not a size; sizes are written nowhere else.
 */
export function parseSize(text: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(B|KiB|MiB|GiB)$/.exec(text) ?? [];
  if (amount === undefined) throw new MoltError('MOLT_BAD_CONFIG', `"${text}" is not a size`);
  return Math.round(Number(amount) * unitBytes[unit as keyof typeof unitBytes]);
}

/** Bytes to the largest unit that says them in whole numbers: 65536 → `"64KiB"`. */
export function formatSize(bytes: number): string {
  const whole = Math.max(0, Math.round(bytes));
  for (const unit of ['GiB', 'MiB', 'KiB'] as const) {
    if (whole > 0 && whole % unitBytes[unit] === 0) return `${whole / unitBytes[unit]}${unit}`;
  }
  return `${whole}B`;
}
