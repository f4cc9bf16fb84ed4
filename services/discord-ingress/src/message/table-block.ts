import type { ChatTable } from '@moltbot/chat';
import { codeBlock, fenceLength } from './code-block.ts';
import { cleaned, oneLine } from './escape.ts';

/** Wider ones are cut: a phone shows about so many columns. */
const cellWidth = 32;

/** Columns below each other in a block of at most `max` characters; rows that find no room are left out, and counted. */
export function tableBlock({ head, rows }: ChatTable, max: number): string {
  const all = [head, ...rows].map((row) => row.map(cellOf));
  const widths = Array.from({ length: Math.max(0, ...all.map(({ length }) => length)) }, (_, column) =>
    Math.max(0, ...all.map((row) => widthOf(row[column] ?? ''))),
  );
  const lines = all.map((row) =>
    widths
      .map((width, column) => padded(row[column] ?? '', width))
      .join('  ')
      .trimEnd(),
  );
  const kept = [...lines];
  while (kept.length > 0 && textOf(kept, lines.length).length + fenceLength > max) kept.pop();
  return codeBlock(textOf(kept, lines.length), max);
}

const textOf = (kept: readonly string[], all: number): string =>
  kept.length === all ? kept.join('\n') : [...kept, `… +${all - kept.length}`].join('\n');

const cellOf = (text: string): string => {
  const cell = oneLine(cleaned(text)).replaceAll('`', "'");
  let shown = '';
  for (const character of cell) {
    if (widthOf(shown + character) > cellWidth) return `${shown.slice(0, -1)}…`.toWellFormed();
    shown += character;
  }
  return shown;
};

const padded = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - widthOf(text)));

const wide =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{Emoji_Presentation}\u3000-\u303f\uff01-\uff60\uffe0-\uffe6]/u;

/** Columns it takes in a fixed-width font: 2 for a Chinese character. */
const widthOf = (text: string): number => [...text].reduce((sum, character) => sum + (wide.test(character) ? 2 : 1), 0);
