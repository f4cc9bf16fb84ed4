import type { MoltError } from '@moltbot/shared';
import { commandErrorToText } from '../grammar/command-error.ts';
import type { ChatCode, ChatMessage } from '../message.ts';
import type { Texts } from '../texts/english.ts';
import type { Language } from '../texts/language.ts';
import { texts } from '../texts/texts.ts';
import { cleanOutput } from './clean-output.ts';
import { remedyOf, whyOf } from './error-lines.ts';
import { fitMessage } from './fit-message.ts';
import { widthOf } from './terminal-line.ts';

/** Why something is not done, and what to do. @param command as it was sent: where the error tells a position, it is shown there */
export function errorToMessage(error: MoltError, language: Language, command?: string): ChatMessage {
  const t = texts(language);
  const isGrammar = error.code === 'MOLT_CHAT_COMMAND';
  const { title } = t.errorOf(error.code);
  const why = 'hint' in error.details ? commandErrorToText(error, language) : whyOf(error, t);
  const { position, option } = error.details;
  const isInText = typeof position === 'number' && option === undefined && command !== undefined;
  return fitMessage({
    tone: isGrammar ? 'warning' : 'failure',
    title,
    // What the grammar says tells what to do as well.
    text: [why, ...placesOf(error, t), ...(isGrammar ? [] : [remedyOf(error, t)])],
    code: isInText ? pointAt(command, position) : [],
    footer: error.code,
  });
}

const placesAtMost = 5;

/** One place is in the message already. */
const placesOf = ({ places }: MoltError, t: Texts): readonly string[] =>
  places.length < 2 ? [] : places.slice(0, placesAtMost).map(({ path, message }) => `${path} ${t.sentence(message)}`);

/** Characters of a line that are shown before and after the position. */
const around = 40;

/** The line of the text with a caret under the position, 0-based in UTF-16 units. */
function pointAt(text: string, position: number): readonly ChatCode[] {
  const at = Math.max(0, Math.min(position, text.length));
  const lineStart = text.lastIndexOf('\n', at - 1) + 1;
  const lineEnd = text.indexOf('\n', at) < 0 ? text.length : text.indexOf('\n', at);
  const start = Math.max(lineStart, at - around);
  const end = Math.min(lineEnd, at + around);
  const shown = (from: number, to: number): string =>
    cleanOutput(text.slice(from, to), { ansi: false }).replaceAll('\n', ' ');
  const before = `${start > lineStart ? '…' : ''}${shown(start, at)}`;
  const after = `${shown(at, end)}${end < lineEnd ? '…' : ''}`;
  if (before + after === '') return [];
  return [{ text: `${before}${after}\n${' '.repeat(widthOf(before))}^` }];
}
