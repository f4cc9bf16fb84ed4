/** White space of every script, and the zero-width ones that some platforms put between words. */
export const isSpace = (character: string): boolean => /[\s\u200b\u2060]/.test(character);

/** What keyboards of phones write for a double quote, and for a single one. */
const doubleQuotes = '"“”„‟＂';
const singleQuotes = "'‘’‚‛＇";

export const isDoubleQuote = (character: string): boolean => character !== '' && doubleQuotes.includes(character);
export const isQuote = (character: string): boolean =>
  character !== '' && (isDoubleQuote(character) || singleQuotes.includes(character));

/** A straight quote is closed by a straight one; a smart one by any of its kind, as no keyboard is sure of its side. */
export function closes(opening: string, character: string): boolean {
  if (opening === '"' || opening === "'") return character === opening;
  return isDoubleQuote(opening) ? isDoubleQuote(character) : isQuote(character) && !isDoubleQuote(character);
}

/** Where the quote at `at` is closed, or -1. Nothing inside is escaped. */
export function closingOf(text: string, at: number): number {
  const opening = text.charAt(at);
  for (let index = at + 1; index < text.length; index += 1) if (closes(opening, text.charAt(index))) return index;
  return -1;
}

/** What stands between the head of a command and a command line: `--`, and what keyboards make of it. */
export const dashes: RegExp = /^(?:--|——?|––?|―|－－)$/;

/**
 * Structure as it is meant: full-width forms, Chinese punctuation and long dashes become ASCII.
 * The full-width backtick stays: it opens no code.
 */
export const toAscii = (text: string): string =>
  text
    .replace(/[！-＿ａ-～]/g, (character) => String.fromCharCode(character.charCodeAt(0) - 0xfee0))
    .replace(/——?|―/g, '--')
    .replace(/–/g, '-')
    .replace(/、/g, ',')
    .replace(/。/g, '.');

/**
 * A target selector as the intake reads it: ASCII where it is structure, one space where there are several, quoted values as they are.
 * Doing it twice is doing it once.
 */
export function normaliseSelector(text: string): string {
  let normal = '';
  let at = 0;
  while (at < text.length) {
    const quoted = isDoubleQuote(text.charAt(at));
    const end = quoted ? closingOf(text, at) : quoteFrom(text, at);
    const stop = end < 0 ? text.length : end;
    if (quoted) normal += `"${text.slice(at + 1, stop)}${end < 0 ? '' : '"'}`;
    else normal += toAscii(text.slice(at, stop)).replace(/[\s\u200b\u2060]+/g, ' ');
    at = quoted ? stop + 1 : stop;
  }
  return normal.trim();
}

function quoteFrom(text: string, at: number): number {
  for (let index = at; index < text.length; index += 1) if (isDoubleQuote(text.charAt(index))) return index;
  return -1;
}

/** A piece of what was typed, for a message: one line, not long. */
export function shown(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ');
  const characters = [...line.slice(0, 100)];
  return characters.length > 40 ? `${characters.slice(0, 40).join('')}…` : line;
}
