import { errorCatalog, type RunError } from '@moltbot/shared';
import type { Texts } from '../texts/english.ts';

/** What went wrong, and what to do about it: as exactly as the error says it, else in the words of the language. */
export function errorLines({ code, message, remedy }: RunError, t: Texts): readonly [string, string] {
  const words = t.errorOf(code);
  const why = code === 'MOLT_INTERNAL' ? t.internal : message;
  return [t.errorLine(words.title, why, code), remedy === errorCatalog[code].remedy ? words.remedy : remedy];
}
