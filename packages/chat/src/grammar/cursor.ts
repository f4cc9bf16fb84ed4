import { closes, dashes, isDoubleQuote, isQuote, isSpace } from './characters.ts';
import { commandError } from './command-error.ts';

/** A place in a text that moves on as it is read. */
export interface Cursor {
  readonly text: string;
  at: number;
}

/** A word of what was typed, and where it begins. */
export interface Word {
  readonly text: string;
  readonly at: number;
}

export const isAtEnd = ({ text, at }: Cursor): boolean => at >= text.length;
export const character = ({ text, at }: Cursor): string => text.charAt(at);

export function skipSpaces(cursor: Cursor): void {
  while (!isAtEnd(cursor) && isSpace(character(cursor))) cursor.at += 1;
}

/** The characters up to the next space, which are not taken. */
export function peekRun({ text, at }: Cursor): string {
  let end = at;
  while (end < text.length && !isSpace(text.charAt(end))) end += 1;
  return text.slice(at, end);
}

/** Takes the characters up to the next space, as they are. */
export function takeRun(cursor: Cursor): string {
  const run = peekRun(cursor);
  cursor.at += run.length;
  return run;
}

/** Are the dashes here that a command line follows? */
export const isAtDashes = (cursor: Cursor): boolean =>
  /[-—–―－]/.test(character(cursor)) && dashes.test(peekRun(cursor));

/**
 * Takes a quoted text. A backslash keeps its quote and itself in double quotes, and is nothing else.
 * @throws MOLT_CHAT_COMMAND when it is not closed.
 */
function takeQuoted(cursor: Cursor): string {
  const { text, at: start } = cursor;
  const opening = text.charAt(start);
  let content = '';
  for (let at = start + 1; at < text.length; at += 1) {
    const next = text.charAt(at + 1);
    if (isDoubleQuote(opening) && text.charAt(at) === '\\' && (next === '\\' || closes(opening, next))) {
      content += next;
      at += 1;
    } else if (closes(opening, text.charAt(at))) {
      cursor.at = at + 1;
      return content;
    } else {
      content += text.charAt(at);
    }
  }
  throw commandError(start, { kind: 'unclosed', quote: opening });
}

/** Takes a quoted text that is all of a word. */
export function takeQuotedWord(cursor: Cursor): string {
  const quote = character(cursor);
  const content = takeQuoted(cursor);
  if (isAtEnd(cursor) || isSpace(character(cursor))) return content;
  throw commandError(cursor.at, { kind: 'text-after-quote', quote });
}

/** Takes a word as a shell reads it: quotes at its start and after `=` or `:` keep spaces, backslashes are themselves. */
export function takeWord(cursor: Cursor): Word {
  const start = cursor.at;
  let text = '';
  while (!isAtEnd(cursor) && !isSpace(character(cursor))) {
    const opens = cursor.at === start || /[=:]/.test(cursor.text.charAt(cursor.at - 1));
    if (opens && isQuote(character(cursor))) {
      text += takeQuoted(cursor);
    } else {
      text += character(cursor);
      cursor.at += 1;
    }
  }
  return { text, at: start };
}

/** All words that are left. */
export function takeWords(cursor: Cursor): readonly Word[] {
  const words: Word[] = [];
  for (skipSpaces(cursor); !isAtEnd(cursor); skipSpaces(cursor)) words.push(takeWord(cursor));
  return words;
}
