import { durationPattern } from '@moltbot/shared';
import { closingOf, isDoubleQuote, isQuote, isSpace, normaliseSelector, toAscii } from './characters.ts';
import { commandError } from './command-error.ts';
import {
  type Cursor,
  character,
  isAtDashes,
  isAtEnd,
  peekRun,
  skipSpaces,
  takeQuotedWord,
  takeRun,
  type Word,
} from './cursor.ts';

type OptionName = 'on' | 'timeout';

/** What stands between the first word and the command line, and what comes then. */
export interface Head {
  readonly on: Word | undefined;
  readonly timeout: string | undefined;
  /** Where the head ends, and whether dashes or code follow. */
  readonly end: { readonly kind: 'text' | 'dashes' | 'code'; readonly at: number };
}

interface HeadRules {
  /** Dashes and code end the head. */
  readonly hasCommand: boolean;
  /** Takes what is no option. @returns what belongs to the selector of it */
  readonly takeOther: (cursor: Cursor) => string | undefined;
}

const optionPattern = /^(on|目标|timeout|超时)[:：]/i;

/** Reads options (`on:`, `timeout:`) and others up to the end, dashes or code, which are not taken. */
export function readHead(cursor: Cursor, { hasCommand, takeOther }: HeadRules): Head {
  const pieces: Word[] = [];
  const options = new Map<OptionName, string>();
  let end: Head['end']['kind'] | undefined;
  while (end === undefined) {
    skipSpaces(cursor);
    end = endAt(cursor, hasCommand);
    if (end !== undefined) break;
    const { at } = cursor;
    const option = takeOptionName(cursor);
    if (option && options.has(option)) throw commandError(at, { kind: 'repeated', word: `${option}:` });
    const piece = option ? takeOptionValue(cursor, { option, at, hasCommand }) : takeOther(cursor);
    if (option) options.set(option, piece ?? '');
    if (option !== 'timeout' && piece !== undefined) pieces.push({ text: piece, at });
  }
  const text = normaliseSelector(pieces.map((piece) => piece.text).join(' '));
  const on = text === '' ? undefined : { text, at: pieces[0]?.at ?? 0 };
  return { on, timeout: options.get('timeout'), end: { kind: end, at: cursor.at } };
}

function endAt(cursor: Cursor, hasCommand: boolean): Head['end']['kind'] | undefined {
  if (isAtEnd(cursor)) return 'text';
  if (hasCommand && isAtDashes(cursor)) return 'dashes';
  return hasCommand && character(cursor) === '`' ? 'code' : undefined;
}

function takeOptionName(cursor: Cursor): OptionName | undefined {
  const match = optionPattern.exec(cursor.text.slice(cursor.at, cursor.at + 'timeout:'.length));
  if (!match) return undefined;
  const [whole, name = ''] = match;
  cursor.at += whole.length;
  return name.toLowerCase() === 'on' || name === '目标' ? 'on' : 'timeout';
}

/** The value may stand after a space. */
function takeOptionValue(
  cursor: Cursor,
  { option, at, hasCommand }: { option: OptionName; at: number; hasCommand: boolean },
): string {
  skipSpaces(cursor);
  if (endAt(cursor, hasCommand)) throw commandError(at, { kind: 'missing-value', word: `${option}:` });
  const start = cursor.at;
  const value = isQuote(character(cursor)) ? takeQuotedWord(cursor) : takeSelectorWord(cursor);
  if (value.trim() === '') throw commandError(at, { kind: 'missing-value', word: `${option}:` });
  return option === 'timeout' ? toTimeout(value, start) : value;
}

/** @throws MOLT_CHAT_COMMAND when it is no duration. */
export function toTimeout(text: string, where: Parameters<typeof commandError>[0]): string {
  const timeout = toAscii(text.trim()).toLowerCase();
  if (durationPattern.test(timeout)) return timeout;
  throw commandError(where, { kind: 'bad-timeout', word: text });
}

/** A piece of a selector: up to a space or a backtick that stands in no quotes. All of it in quotes: what stands in them. */
export function takeSelectorPiece(cursor: Cursor): string {
  return isQuote(character(cursor)) ? takeQuotedWord(cursor) : takeSelectorWord(cursor);
}

function takeSelectorWord(cursor: Cursor): string {
  const { text, at: start } = cursor;
  let at = start;
  while (at < text.length && !isSpace(text.charAt(at)) && text.charAt(at) !== '`') {
    const closing = isDoubleQuote(text.charAt(at)) ? closingOf(text, at) : at;
    if (closing < 0) throw commandError(at, { kind: 'unclosed', quote: text.charAt(at) });
    at = closing + 1;
  }
  // A backtick where none can be is a character that the selector refuses.
  cursor.at = at > start ? at : start + 1;
  return text.slice(start, cursor.at);
}

const unknownOption = /^[\p{L}-]+[:：]/u;

/** The name of an option that there is not, with its colon, or nothing. Labels may hold colons, and have an `=`. */
export function unknownOptionAt(cursor: Cursor): string | undefined {
  const run = peekRun(cursor);
  return /[=＝]/.test(run) ? undefined : unknownOption.exec(run)?.[0];
}

/** Takes what comes after the dashes, as it was written, without the one space or line break behind them. */
export function takeAfterDashes(cursor: Cursor): Word {
  takeRun(cursor);
  const gap = /^(?:\r\n|[\s\u200b\u2060])?/.exec(cursor.text.slice(cursor.at, cursor.at + 2))?.[0] ?? '';
  const at = cursor.at + gap.length;
  cursor.at = cursor.text.length;
  return { text: cursor.text.slice(at), at };
}
