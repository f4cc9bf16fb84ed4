import type { ChatCode } from '../message.ts';
import { oneLine } from './clip.ts';
import { codeCharacters } from './message-limits.ts';
import { widthOf } from './terminal-line.ts';

const lineCharacters = 160;
/** Words longer than this do not push the others to the right. */
const widestFirst = 36;

/** Two columns as lines of code, as many as one message can show; the others are counted. */
export function linesToCode(pairs: readonly (readonly [string, string])[]): {
  readonly code: readonly ChatCode[];
  readonly more: number;
} {
  const firsts = pairs.map(([first]) => widthOf(oneLine(first, lineCharacters)));
  const width = Math.min(widestFirst, Math.max(0, ...firsts));
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

const toLine = (first: string, second: string, width: number): string =>
  second === '' ? first : `${first}${' '.repeat(Math.max(0, width - widthOf(first)))}  ${second}`;
