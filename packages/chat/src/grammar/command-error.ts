import { MoltError } from '@moltbot/shared';
import type { Language } from '../texts/language.ts';
import { shown } from './characters.ts';
import type { CommandHint } from './command-hint.ts';
import { hintToText } from './hint-to-text.ts';

export interface Where {
  /** 0-based index into the text. */
  readonly position: number;
  /** Name of the option, where there is no text. */
  readonly option?: string | undefined;
}

export function commandError(where: Where | number, reason: CommandHint): MoltError {
  const hint = 'word' in reason ? { ...reason, word: shown(reason.word) } : reason;
  const { position, option } = typeof where === 'number' ? { position: where } : where;
  const details = { position, hint, ...(option !== undefined && { option }) };
  return new MoltError('MOLT_CHAT_COMMAND', sentence({ position, option }, hint, 'en'), { details });
}

function sentence({ position, option }: Where, hint: CommandHint, language: Language): string {
  const text = hintToText(hint, language);
  if (language === 'zh-CN')
    return `${text}（${option === undefined ? `第 ${position + 1} 个字符` : `选项 ${option}`}）`;
  return `${text} (${option === undefined ? `at character ${position + 1}` : `option ${option}`})`;
}

/** What MOLT_CHAT_COMMAND of this package says, in a language of people: what was wrong, where, what to do. */
export function commandErrorToText(error: MoltError, language: Language): string {
  const { hint, position, option } = error.details as { hint?: CommandHint; position: number; option?: string };
  return hint ? sentence({ position, option }, hint, language) : error.message;
}
