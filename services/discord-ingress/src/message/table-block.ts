import type { ChatTable } from '@moltbot/chat';
import { codeBlock, fenceLength } from './code-block.ts';
import { cleaned, oneLine } from './escape.ts';

/** Columns of a block in an embed before its lines are broken. */
const tableWidth = 60;
const gapWidth = 2;

/**
 * Columns below each other in a block of at most `max` characters; rows that find no room are left out, and counted, and the widest cells
 * are cut where lines would be broken.
 */
export function tableBlock({ head, rows }: ChatTable, max: number): string {
  const all = [head, ...rows].map((row) => row.map((text) => oneLine(cleaned(text)).replaceAll('`', "'")));
  const widths = fitted(
    Array.from({ length: Math.max(0, ...all.map(({ length }) => length)) }, (_, column) =>
      Math.max(0, ...all.map((row) => widthOf(row[column] ?? ''))),
    ),
  );
  const lines = all.map((row) =>
    widths
      .map((width, column) => padded(cut(row[column] ?? '', width), width))
      .join(' '.repeat(gapWidth))
      .trimEnd(),
  );
  const kept = [...lines];
  while (kept.length > 0 && textOf(kept, lines.length).length + fenceLength > max) kept.pop();
  return codeBlock(textOf(kept, lines.length), max);
}

const textOf = (kept: readonly string[], all: number): string =>
  kept.length === all ? kept.join('\n') : [...kept, `… +${all - kept.length}`].join('\n');

/** What is too much is taken from whichever is the widest. */
function fitted(wanted: readonly number[]): readonly number[] {
  const widths = [...wanted];
  let excess = widths.reduce((sum, width) => sum + width, gapWidth * (widths.length - 1)) - tableWidth;
  for (; excess > 0; excess -= 1) {
    const widest = widths.indexOf(Math.max(...widths));
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

function cut(cell: string, width: number): string {
  if (widthOf(cell) <= width) return cell;
  let shown = '';
  for (const character of cell) {
    if (widthOf(shown + character) > width - 1) break;
    shown += character;
  }
  return `${shown}…`;
}

const padded = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - widthOf(text)));

const wide =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{Emoji_Presentation}\u3000-\u303f\uff01-\uff60\uffe0-\uffe6]/u;

/** Columns it takes in a fixed-width font: 2 for a Chinese character. */
const widthOf = (text: string): number => [...text].reduce((sum, character) => sum + (wide.test(character) ? 2 : 1), 0);
