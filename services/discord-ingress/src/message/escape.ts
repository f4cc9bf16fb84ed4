/** A space that nobody sees, which Discord does not trim away. */
export const invisible = '\u200b';

/** What a text of Discord is made of, one character or one escaped one at a time. */
type Piece = string;

/**
 * What begins markup, a mention, a link or an emoji: some characters anywhere, some at the beginning of a line, the point of `1.` there,
 * and a colon that makes an address or the name of an emoji.
 */
const special = /[\\`*_~|<>[\]@]|(?<=^[ \t]*)[-+#]|(?<=^[ \t]*\d{1,9})\.|:(?=\/\/|[\w+~-]+:)/gm;
/** Of terminals, of the direction of writing, and of marks that nobody sees: they only hide what a text says. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
const unseen = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Well-formed, with line ends as `\n`, and without characters that cannot be seen. */
export const cleaned = (text: string): string => text.toWellFormed().replace(/\r\n?/g, '\n').replace(unseen, '');

/**
 * A text that Discord shows as it is: nothing in it is a mention, a link, an emoji or markup. Cut at `max` characters of what is sent,
 * with an ellipsis, never within an escape.
 */
export function escaped(text: string, max: number): string {
  return cutPieces(piecesOf(cleaned(text)), max);
}

/** The same for what Discord shows as it is anyway: labels, footers. */
export const plain = (text: string, max: number): string => cutPieces([...cleaned(text)], max);

/** One line of it. */
export const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();

function piecesOf(text: string): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const { 0: character, index } of text.matchAll(special)) {
    pieces.push(...text.slice(from, index), `\\${character}`);
    from = index + character.length;
  }
  return [...pieces, ...text.slice(from)];
}

function cutPieces(pieces: readonly Piece[], max: number): string {
  const whole = pieces.join('').trim();
  if (whole.length <= max) return whole;
  let text = '';
  for (const piece of pieces) {
    if (text.length + piece.length > max - 1) break;
    text += piece;
  }
  return max < 1 ? '' : `${text.trimEnd()}…`;
}
