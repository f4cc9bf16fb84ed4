import { type Pen, penChange, plainPen } from './pen.ts';

/** Columns that a cursor can be sent to: what a terminal would not have either. */
const widest = 240;

const isWide =
  /^(?:[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{20000}-\u{3fffd}]|\p{Emoji_Presentation})/u;
const joinsFormer = /^(?:\p{M}|\u200d|[\u{1f3fb}-\u{1f3ff}])$/u;

/** Columns that the text takes in a fixed-width font, about. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += joinsFormer.test(character) ? 0 : isWide.test(character) ? 2 : 1;
  return width;
}

interface Cell {
  /** Empty for the second half of a wide character. */
  text: string;
  readonly pen: Pen;
}

const blank: Cell = { text: ' ', pen: plainPen };

/** The line of a terminal that the cursor is in. */
export interface TerminalLine {
  write(text: string, pen: Pen): void;
  /** To a column, or by columns. */
  moveTo(column: number): void;
  moveBy(columns: number): void;
  tab(): void;
  /** 0: from the cursor to the end; 1: from the beginning to the cursor; 2: all. */
  erase(part: number): void;
  /** What it shows, beginning with the pen `from`; empties it. */
  flush(from: Pen): { readonly text: string; readonly pen: Pen };
}

export function createTerminalLine(): TerminalLine {
  let cells: Cell[] = [];
  let column = 0;

  const put = (at: number, cell: Cell): void => {
    while (cells.length < at) cells.push(blank);
    // Half a wide character is none.
    if (cells[at]?.text === '' && at > 0) cells[at - 1] = blank;
    if (cells[at + 1]?.text === '') cells[at + 1] = blank;
    cells[at] = cell;
  };
  const former = (): Cell | undefined => {
    const last = cells[column - 1];
    return last?.text === '' ? cells[column - 2] : last;
  };
  return {
    write(text, pen) {
      for (const character of text) {
        const before = former();
        const isJoined = joinsFormer.test(character) || (character > '\u007f' && before?.text.endsWith('\u200d'));
        if (isJoined && before && before !== blank) before.text += character;
        else {
          put(column, { text: character, pen });
          column += 1;
          if (isWide.test(character)) {
            put(column, { text: ' ', pen });
            cells[column] = { text: '', pen };
            column += 1;
          }
        }
      }
    },
    moveTo(to) {
      column = Math.max(0, Math.min(to, Math.max(column, widest)));
    },
    moveBy(columns) {
      column = Math.max(0, Math.min(column + columns, Math.max(column, widest)));
    },
    tab() {
      const to = column + 8 - (column % 8);
      while (cells.length < to) cells.push(blank);
      column = to;
    },
    erase(part) {
      if (part === 2) cells = [];
      if (part === 0 && column < cells.length) {
        // Half a wide character is none.
        if (cells[column]?.text === '' && column > 0) cells[column - 1] = blank;
        cells.length = column;
      }
      if (part === 1) for (let at = 0; at <= column; at += 1) put(at, blank);
    },
    flush(from) {
      let text = '';
      let pen = from;
      for (const cell of cells) {
        text += penChange(pen, cell.pen) + cell.text;
        pen = cell.pen;
      }
      cells = [];
      column = 0;
      return { text, pen };
    },
  };
}
