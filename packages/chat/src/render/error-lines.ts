import { errorCatalog, type RunError } from '@moltbot/shared';
import type { Texts } from '../texts/english.ts';

/** What went wrong, and what to do about it: as exactly as the error says it, else in the words of the language. */
export function errorLines(error: RunError, t: Texts): readonly [string, string] {
  const { code } = error;
  return [t.errorLine(t.errorOf(code).title, whyOf(error, t), code), remedyOf(error, t)];
}

/** Of a defect nothing inner is told. */
export const whyOf = ({ code, message }: Pick<RunError, 'code' | 'message'>, t: Texts): string =>
  code === 'MOLT_INTERNAL' ? t.internal : t.sentence(message);

export function remedyOf({ code, remedy }: Pick<RunError, 'code' | 'remedy'>, t: Texts): string {
  const usual = t.errorOf(code).remedy;
  return remedy === errorCatalog[code].remedy ? usual : t.exactRemedy(usual, remedy);
}
