import { MoltError, nearest } from '@moltbot/shared';

/** @param message says what is wrong and where; a column counts from 1 */
export const badSchedule = (path: string, message: string): MoltError =>
  new MoltError('MOLT_BAD_SCHEDULE', `${path.slice(1)}: ${message}`, { places: [{ path, message }] });

export const badWhen = (message: string): MoltError => badSchedule('/when', message);

/** `; did you mean "x"?`, or nothing. */
export function meant(word: string, candidates: readonly string[]): string {
  const found = nearest(word, candidates);
  return found === undefined ? '' : `; did you mean "${found}"?`;
}
