import { cleaned } from './escape.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what it finds
const sequences = /\u001b\[([0-9;]*)m|\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|.)?/g;

export const hasAnsi = (text: string): boolean => text.includes('\u001b[');

/** The text with those colours alone that Discord shows: bold, underline, and eight of each ground. Bright ones are mapped to them. */
export function ansiOf(text: string): string {
  let result = '';
  let from = 0;
  for (const match of text.matchAll(sequences)) {
    result += cleaned(text.slice(from, match.index)) + sequence(match[1]);
    from = match.index + match[0].length;
  }
  return result + cleaned(text.slice(from));
}

function sequence(parameters: string | undefined): string {
  if (parameters === undefined) return '';
  const shown = shownOf(parameters.split(';').map(Number));
  return shown.length === 0 ? '' : `\u001b[${shown.join(';')}m`;
}

function shownOf(codes: readonly number[]): number[] {
  const shown: number[] = [];
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at] ?? 0;
    // 256 and true colours: what follows is theirs.
    if (code === 38 || code === 48) at += codes[at + 1] === 2 ? 4 : 2;
    else if (isShown(code)) shown.push(code);
    else if (isShown(code - 60) && code >= 90) shown.push(code - 60);
    // Back to the default colour or weight: there is no other way back.
    else if ([22, 24, 39, 49].includes(code)) shown.push(0);
  }
  return shown;
}

const isShown = (code: number): boolean =>
  code === 0 || code === 1 || code === 4 || (code >= 30 && code <= 37) || (code >= 40 && code <= 47);
