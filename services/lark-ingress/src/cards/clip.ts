/** Bytes that a text takes in JSON, without its quotes. */
export const jsonBytes = (text: string): number => Buffer.byteLength(JSON.stringify(text)) - 2;

/** The longest beginning that takes so many bytes in JSON, with `…` where something is missing. */
export function clipEnd(text: string, bytes: number): string {
  if (fits(text, bytes)) return text;
  let [left, end] = [bytes - ellipsisBytes, 0];
  while (end < text.length) {
    const letter = text.codePointAt(end) ?? 0;
    left -= letterBytes(letter);
    if (left < 0) break;
    end += letter > 0xffff ? 2 : 1;
  }
  return `${text.slice(0, end)}…`;
}

/** The last lines that take so many bytes in JSON; one line that is too long alone is cut at its beginning. */
export function clipStart(text: string, bytes: number): string {
  if (fits(text, bytes)) return text;
  let [left, start] = [bytes - ellipsisBytes, text.length];
  while (start > 0) {
    const isPair = start > 1 && (text.codePointAt(start - 2) ?? 0) > 0xffff;
    left -= letterBytes(text.codePointAt(start - (isPair ? 2 : 1)) ?? 0);
    if (left < 0) break;
    start -= isPair ? 2 : 1;
  }
  const line = text.indexOf('\n', start);
  return line === -1 || line === text.length - 1 ? `…${text.slice(start)}` : `…${text.slice(line)}`;
}

const ellipsisBytes = Buffer.byteLength('…');

const fits = (text: string, bytes: number): boolean => text.length <= bytes && jsonBytes(text) <= bytes;

/** What is written with a backslash and one letter. */
const escaped: ReadonlySet<number> = new Set(Array.from('"\\\b\f\n\r\t', (letter) => letter.charCodeAt(0)));

/** What a code point takes in JSON. */
function letterBytes(letter: number): number {
  if (escaped.has(letter)) return 2;
  if (letter < 0x20) return 6;
  if (letter < 0x80) return 1;
  if (letter < 0x800) return 2;
  // Half a pair is written as an escape.
  if (letter >= 0xd800 && letter <= 0xdfff) return 6;
  return letter > 0xffff ? 4 : 3;
}
