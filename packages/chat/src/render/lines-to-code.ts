import type { ChatCode } from '../message.ts';
import { oneLine } from './clip.ts';
import { codeCharacters } from './message-limits.ts';
import { widthOf } from './terminal-line.ts';

const lineCharacters = 160;
/** Where a block of code is no wider, longer lines are broken. */
const lineColumns = 60;

/** Two columns as lines of code, as many as one message can show; the others are counted. What is wide stands below what it belongs to. */
export function linesToCode(pairs: readonly (readonly [string, string])[]): {
  readonly code: readonly ChatCode[];
  readonly more: number;
} {
  const width = Math.max(0, ...pairs.map(([first]) => widthOf(oneLine(first, lineCharacters))));
  const isWide = pairs.some(([, second]) => width + 2 + widthOf(oneLine(second, lineCharacters)) > lineColumns);
  const toLine = isWide ? stacked : beside;
  const lines: string[] = [];
  let room = codeCharacters;
  for (const [first, second] of pairs) {
    const line = toLine(oneLine(first, lineCharacters), oneLine(second, lineCharacters), width);
    room -= line.length + 1;
    if (room < 0) break;
    lines.push(line);
  }
  return { code: lines.length === 0 ? [] : [{ text: lines.join('\n') }], more: pairs.length - lines.length };
}

const beside = (first: string, second: string, width: number): string =>
  second === '' ? first : `${first}${' '.repeat(Math.max(0, width - widthOf(first)))}  ${second}`;

const stacked = (first: string, second: string): string => (second === '' ? first : `${first}\n    ${second}`);
