import type { Expression } from './expression.ts';
import { lex, selectorError, type Token } from './lex.ts';

const maxTerms = 64;
const maxDepth = 16;

/**
 * A selector to an expression:
 *
 *     any  := all ((',' | '|' | 'or') all)*
 *     all  := unary+                          a space means and
 *     unary := '!' unary | '(' any ')' | term
 *     term := 'all' | name-glob | key '=' value-glob | key '!=' value-glob
 *
 * A target without the label counts as unequal, as in Kubernetes' selectors.
 * @throws MOLT_BAD_SELECTOR with the place.
 */
export function parseSelector(source: string): Expression {
  const reader = createReader(source);
  const { kind, at } = reader.peek();
  if (kind === 'end') throw selectorError(source, at, 'the selector is empty; write all to mean every target');
  const expression = parseAny(reader, 0);
  reader.expect('end');
  return expression;
}

interface Reader {
  readonly source: string;
  peek(): Token;
  next(): Token;
  expect(kind: Token['kind']): Token;
  countTerm(): void;
}

function createReader(source: string): Reader {
  const tokens = lex(source);
  const last = tokens[tokens.length - 1] as Token;
  let index = 0;
  let terms = 0;
  const peek = (): Token => tokens[index] ?? last;
  const next = (): Token => {
    const token = peek();
    index += 1;
    return token;
  };
  return {
    source,
    peek,
    next,
    expect(kind) {
      const token = next();
      if (token.kind === kind) return token;
      throw selectorError(source, token.at, `expected ${wordsFor(kind)}, found ${found(token)}`);
    },
    countTerm() {
      terms += 1;
      if (terms > maxTerms) throw selectorError(source, peek().at, `more than ${maxTerms} parts`);
    },
  };
}

const wordsFor = (kind: Token['kind']): string =>
  kind === 'word' ? 'a name or a value' : kind === 'end' ? 'the end' : `"${kind}"`;
const found = (token: Token): string => (token.kind === 'end' ? 'the end' : `"${token.text}"`);

function parseAny(reader: Reader, depth: number): Expression {
  const start = reader.peek().at;
  const parts = [parseAll(reader, depth)];
  while (reader.peek().kind === ',' || isWord(reader.peek(), 'or')) {
    reader.next();
    parts.push(parseAll(reader, depth));
  }
  return group(reader, { kind: 'any-of', parts, start });
}

function parseAll(reader: Reader, depth: number): Expression {
  const start = reader.peek().at;
  const parts = [parseUnary(reader, depth)];
  while (startsUnary(reader.peek())) {
    if (isWord(reader.peek(), 'and')) reader.next();
    parts.push(parseUnary(reader, depth));
  }
  return group(reader, { kind: 'all-of', parts, start });
}

const isWord = (token: Token, word: string): boolean => token.kind === 'word' && token.text.toLowerCase() === word;

const startsUnary = (token: Token): boolean =>
  token.kind === '!' || token.kind === '(' || (token.kind === 'word' && !isWord(token, 'or'));

function group(
  reader: Reader,
  { kind, parts, start }: { kind: 'any-of' | 'all-of'; parts: readonly Expression[]; start: number },
): Expression {
  const [only] = parts;
  if (only && parts.length === 1) return only;
  return { kind, parts, text: reader.source.slice(start, reader.peek().at).trim() };
}

function parseUnary(reader: Reader, depth: number): Expression {
  const { kind, at } = reader.peek();
  if (depth > maxDepth) throw selectorError(reader.source, at, `nested deeper than ${maxDepth}`);
  if (kind === '!') {
    reader.next();
    const part = parseUnary(reader, depth + 1);
    return { kind: 'not', part, text: `!${part.text}` };
  }
  if (kind === '(') {
    reader.next();
    const inner = parseAny(reader, depth + 1);
    reader.expect(')');
    return inner;
  }
  return parseTerm(reader);
}

function parseTerm(reader: Reader): Expression {
  reader.countTerm();
  const word = reader.expect('word');
  const operator = reader.peek().kind;
  if (operator !== '=' && operator !== '!=') {
    return { kind: 'name', pattern: word.text === 'all' ? '*' : word.text, text: word.text };
  }
  reader.next();
  const value = reader.expect('word');
  const text = reader.source.slice(word.at, value.end);
  return { kind: 'label', key: word.text, pattern: value.text, negated: operator === '!=', text };
}
