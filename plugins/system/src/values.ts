/** One decimal; 0 of nothing. */
export const percentOf = (part: number, whole: number): number =>
  whole > 0 ? round(Math.max(0, (100 * part) / whole), 1) : 0;

export const round = (value: number, decimals: number): number => Number(value.toFixed(decimals));

/** A whole number that is exactly known, or nothing. */
export function toCount(word: string | undefined): number | undefined {
  if (word === undefined || !/^\d{1,16}$/.test(word)) return undefined;
  const count = Number(word);
  return Number.isSafeInteger(count) ? count : undefined;
}

/** The words of a line. */
export const words = (line: string): readonly string[] => line.trim().split(/\s+/);

const maxNameLength = 200;

/** A name as it may be shown: what steers a terminal, or cannot be seen, is not part of it. */
export const cleanName = (name: string): string =>
  name.slice(0, maxNameLength).toWellFormed().replaceAll(/\p{C}/gu, '?').trim();
