/** How a terminal writes, in what chats can show: bold, underlined, and eight colours. A colour is 0 to 7 (SGR 30 + n and 40 + n). */
export interface Pen {
  readonly bold: boolean;
  readonly underline: boolean;
  readonly ink?: number | undefined;
  readonly paper?: number | undefined;
}

export const plainPen: Pen = { bold: false, underline: false };

/** The pen after `ESC [ <params> m`. What it cannot show is ignored. */
export function penAfter(pen: Pen, params: string): Pen {
  const codes = params.split(';');
  let next = pen;
  for (let at = 0; at < codes.length; at += 1) {
    const [code = 0, ...sub] = (codes[at] ?? '').split(':').map(Number);
    if (code === 38 || code === 48 || code === 58) {
      const extended =
        sub.length > 0 ? { colour: colourOf(withoutSpace(sub)), used: 0 } : extendedColour(codes, at + 1);
      at += extended.used;
      if (extended.colour !== undefined && code === 38) next = { ...next, ink: extended.colour };
      if (extended.colour !== undefined && code === 48) next = { ...next, paper: extended.colour };
    } else next = penAfterCode(next, code, sub[0]);
  }
  return next;
}

function penAfterCode(pen: Pen, code: number, sub: number | undefined): Pen {
  if (code === 0) return plainPen;
  if (code === 1) return { ...pen, bold: true };
  if (code === 22) return { ...pen, bold: false };
  if (code === 4 || code === 21) return { ...pen, underline: sub !== 0 };
  if (code === 24) return { ...pen, underline: false };
  if (code === 39) return { ...pen, ink: undefined };
  if (code === 49) return { ...pen, paper: undefined };
  const tens = Math.floor(code / 10);
  if (code % 10 > 7) return pen;
  if (tens === 3 || tens === 9) return { ...pen, ink: code % 10 };
  return tens === 4 || tens === 10 ? { ...pen, paper: code % 10 } : pen;
}

/** `5;n` and `2;r;g;b` after 38 or 48. */
function extendedColour(codes: readonly string[], at: number): { colour: number | undefined; used: number } {
  const used = codes[at] === '5' ? 2 : codes[at] === '2' ? 4 : 0;
  return { colour: colourOf(codes.slice(at, at + used).map(Number)), used };
}

/** `2:<space>:r:g:b` as `2:r:g:b`: most programs leave the colour space out. */
const withoutSpace = (sub: readonly number[]): readonly number[] =>
  sub[0] === 2 && sub.length > 4 ? [2, ...sub.slice(2)] : sub;

function colourOf([kind, first = 0, green = 0, blue = 0]: readonly number[]): number | undefined {
  if (kind === 2) return nearestOf(first, green, blue);
  if (kind !== 5) return undefined;
  if (first < 16) return first % 8;
  if (first >= 232) return first < 244 ? 0 : 7;
  const level = (step: number): number => (step === 0 ? 0 : 55 + 40 * step);
  const cube = first - 16;
  return nearestOf(level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6));
}

/**
 * By hue, not by distance: a dark green is to be green, and is nearest to black. Bits as in SGR: 1 red, 2 green, 4 blue.
 */
function nearestOf(red: number, green: number, blue: number): number {
  const most = Math.max(red, green, blue);
  const least = Math.min(red, green, blue);
  if (most < 40) return 0;
  if (most - least < most / 5) return most < 128 ? 0 : 7;
  const half = (most + least) / 2;
  return (red > half ? 1 : 0) | (green > half ? 2 : 0) | (blue > half ? 4 : 0);
}

function codesOf({ bold, underline, ink, paper }: Pen): readonly number[] {
  const codes: number[] = [];
  if (bold) codes.push(1);
  if (underline) codes.push(4);
  if (ink !== undefined) codes.push(30 + ink);
  if (paper !== undefined) codes.push(40 + paper);
  return codes;
}

/** The shortest escape sequence that takes a terminal from one pen to another; empty when they are the same. */
export function penChange(from: Pen, to: Pen): string {
  if (from === to) return '';
  const [had, has] = [codesOf(from), codesOf(to)];
  const isKept =
    !(from.bold && !to.bold) &&
    !(from.underline && !to.underline) &&
    !(from.ink !== undefined && to.ink === undefined) &&
    !(from.paper !== undefined && to.paper === undefined);
  const codes = isKept ? has.filter((code) => !had.includes(code)) : [0, ...has];
  return codes.length === 0 ? '' : `\u001b[${codes.join(';')}m`;
}
