import { type Pen, penAfter, penChange, plainPen } from './pen.ts';

export interface Tail {
  readonly text: string;
  /** Characters before it, escape sequences not counted. */
  readonly left: number;
}

/**
 * The end of a cleaned output, in at most `maxCharacters` UTF-16 units, escape sequences included: whole last lines, or the end of the
 * last one when it alone is too long. Colours that began before it are begun again.
 */
export function tailOf(text: string, maxCharacters: number): Tail {
  if (text.length <= maxCharacters) return { text, left: 0 };
  let start = lineStartFrom(text, text.length - maxCharacters) ?? withinLine(text, text.length - maxCharacters);
  let opening = penChange(plainPen, penAt(text, start));
  while (start < text.length && opening.length + text.length - start > maxCharacters) {
    const least = text.length - maxCharacters + opening.length;
    start = lineStartFrom(text, least) ?? withinLine(text, Math.max(least, start + 1));
    opening = penChange(plainPen, penAt(text, start));
  }
  const left = [...withoutColours(text.slice(0, start))].length;
  const end = text.slice(start);
  return withoutColours(end) === '' ? { text: '', left } : { text: opening + end, left };
}

export const withoutColours = (text: string): string => text.replace(colour, '');

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what this is about
const colour = /\u001b\[([0-9;]*)m/g;

/** The first line that begins at `from` or after it; undefined when that is the end. */
function lineStartFrom(text: string, from: number): number | undefined {
  const start = from <= 0 ? 0 : text.indexOf('\n', from - 1) + 1;
  return (start > 0 || from <= 0) && withoutColours(text.slice(start)) !== '' ? start : undefined;
}

/** At `from` or soon after it: not within a character, nor within an escape sequence. */
function withinLine(text: string, from: number): number {
  const sequence = text.lastIndexOf('\u001b', from - 1);
  const end = sequence < 0 ? -1 : text.indexOf('m', sequence) + 1;
  const start = Math.min(Math.max(from, end), text.length);
  const isLow = (text.charCodeAt(start) & 0xfc00) === 0xdc00;
  return isLow ? start + 1 : start;
}

function penAt(text: string, end: number): Pen {
  let pen = plainPen;
  for (const [, params = ''] of text.slice(0, end).matchAll(colour)) pen = penAfter(pen, params);
  return pen;
}
