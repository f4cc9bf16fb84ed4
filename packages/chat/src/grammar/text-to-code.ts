import { isSpace } from './characters.ts';
import { commandError } from './command-error.ts';

/** The first line of a block: a language, or nothing. */
const firstLine = /^[\w+#.-]*[ \t]*(\r?\n)/;

/**
 * What stands in the code that begins at `at` with one backtick or more and goes to the end of the text. A fence of three or more may
 * name a language on its line, and the line break before its end is not part of the code.
 * @throws MOLT_CHAT_COMMAND when it is not closed, or text follows.
 */
export function textToCode(text: string, at: number): string {
  const fence = /^`+/.exec(text.slice(at))?.[0] ?? '';
  const start = at + fence.length;
  const closing = closingFence(text, start, fence.length);
  if (!closing) throw commandError(at, { kind: 'unclosed', quote: fence.length > 3 ? '```' : fence });
  for (let rest = closing.end; rest < text.length; rest += 1) {
    if (!isSpace(text.charAt(rest))) throw commandError(rest, { kind: 'text-after-code' });
  }
  const inside = text.slice(start, closing.start);
  return fence.length < 3 ? unspaced(inside) : withoutFrame(inside);
}

/** The first row of as many backticks; of more, the last ones close, so that code may end with one. */
function closingFence(text: string, from: number, length: number): { start: number; end: number } | undefined {
  for (let at = text.indexOf('`', from); at >= 0; at = text.indexOf('`', at)) {
    const start = at;
    while (text.charAt(at) === '`') at += 1;
    if (at - start >= length) return { start: at - length, end: at };
  }
  return undefined;
}

function withoutFrame(inside: string): string {
  const line = firstLine.exec(inside);
  if (!line) return inside;
  const code = inside.slice(line[0].length);
  const [, lineBreak = ''] = line;
  return code.endsWith(lineBreak) ? code.slice(0, -lineBreak.length) : code;
}

/** Inline code that needs to begin or end with a backtick has a space on both sides. */
const unspaced = (inside: string): string =>
  /^ .*[^ ].* $/s.test(inside) && inside.includes('`') ? inside.slice(1, -1) : inside;

/** Code as a block that `textToCode` reads back to the same. */
export function codeToText(code: string): string {
  const longest = Math.max(2, ...[...code.matchAll(/`+/g)].map(([row]) => row.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}\n${code}\n${fence}`;
}
