import { MoltError } from '@moltbot/shared';

export interface Token {
  readonly kind: 'word' | '!' | '(' | ')' | ',' | '=' | '!=' | 'end';
  readonly text: string;
  /** 0-based offset in the source. */
  readonly at: number;
  readonly end: number;
}

const maxSelectorLength = 512;

const tokenPattern = /\s*(?:(!=|[!(),=|&])|"([^"]*)"|([A-Za-z0-9*?._:/@-]+))/y;

/** @throws MOLT_BAD_SELECTOR with a caret at the place. */
export function lex(source: string): readonly Token[] {
  if (source.length > maxSelectorLength) {
    throw selectorError(source, maxSelectorLength, `the selector is longer than ${maxSelectorLength} characters`);
  }
  const tokens: Token[] = [];
  let at = 0;
  while (source.slice(at).trim() !== '') {
    tokenPattern.lastIndex = at;
    const match = tokenPattern.exec(source);
    const start = at + (/^\s*/.exec(source.slice(at))?.[0].length ?? 0);
    if (!match) throw selectorError(source, start, unreadable(source.charAt(start)));
    at = tokenPattern.lastIndex;
    const [, symbol, quoted, word] = match;
    // `|` reads as a comma and `&` as the space that it stands for.
    if (symbol === '&') continue;
    const kind = symbol === '|' ? ',' : ((symbol ?? 'word') as Token['kind']);
    tokens.push({ kind, text: symbol ?? quoted ?? word ?? '', at: start, end: at });
  }
  tokens.push({ kind: 'end', text: '', at: source.length, end: source.length });
  return tokens;
}

const unreadable = (character: string): string =>
  character === '"' ? 'the quote is not closed' : `"${character}" has no meaning here`;

/** The error of a selector, with the source and a caret below the place. */
export function selectorError(source: string, at: number, message: string): MoltError {
  // One line, whatever was sent: the caret below counts characters.
  const line = source.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ');
  const shown = line.length > 120 ? `${line.slice(0, 120)}…` : line;
  return new MoltError('MOLT_BAD_SELECTOR', `${message}\n  ${shown}\n  ${' '.repeat(Math.min(at, 120))}^`, {
    places: [{ path: '/on', message: `column ${at + 1}: ${message}` }],
  });
}
