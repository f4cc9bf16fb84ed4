import { closes, isDoubleQuote, isSpace, toAscii } from './characters.ts';
import type { JsonType, Shape } from './parameters.ts';

/** A value that was read, or nothing when the text is none of its shape. */
export type Typed = { readonly value: unknown } | undefined;

/** What is written for an argument. */
export interface Written {
  readonly text: string;
  /** It stood in quotes: then it is text wherever it may be. */
  readonly quoted: boolean;
}

/** The value that a text is, by its shape; the text itself where the shape is silent. */
export function textToValue(written: Written, shape: Shape): Typed {
  const { text, quoted } = written;
  if (shape.choices) return choiceOf(text, shape.choices);
  const takesText = shape.types.includes('string');
  if (shape.types.length === 0 || (quoted && takesText)) return { value: text };
  for (const type of order) {
    const typed = shape.types.includes(type) ? readers[type](text, shape) : undefined;
    if (typed) return typed;
  }
  return takesText ? { value: text } : undefined;
}

type Reader = (text: string, shape: Shape) => Typed;

const order = ['null', 'integer', 'number', 'boolean', 'array', 'object'] as const satisfies readonly JsonType[];

const readers: Readonly<Record<(typeof order)[number], Reader>> = {
  null: (text) => (text === 'null' ? { value: null } : undefined),
  integer: (text) => toNumber(text, Number.isSafeInteger),
  number: (text) => toNumber(text, Number.isFinite),
  boolean: (text, shape) => toBoolean(text.trim().toLowerCase(), shape),
  array: (text, shape) => toArray(text, shape),
  object: (text) => readJson(text, (value) => typeof value === 'object' && value !== null && !Array.isArray(value)),
};

function toNumber(text: string, isGood: (value: number) => boolean): Typed {
  const plain = toAscii(text).trim();
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(plain)) return undefined;
  const value = Number(plain);
  return isGood(value) ? { value } : undefined;
}

const truths: ReadonlyMap<string, boolean> = new Map([
  ...['true', 'yes', 'y', 'on', '1', '是', '真', '开'].map((word): [string, boolean] => [word, true]),
  ...['false', 'no', 'n', 'off', '0', '否', '假', '关'].map((word): [string, boolean] => [word, false]),
]);

function toBoolean(word: string, { types }: Shape): Typed {
  const value = truths.get(word);
  if (value === undefined || (types.includes('string') && word !== String(value))) return undefined;
  return { value };
}

/** A JSON literal, or members between commas; the latter is text where it may be. */
function toArray(text: string, { types, items }: Shape): Typed {
  const literal = readJson(text, Array.isArray);
  if (literal || types.includes('string')) return literal;
  if (text.trim() === '') return { value: [] };
  const members = text
    .split(/[,，]/)
    .map((member) => textToValue({ text: member.trim(), quoted: false }, items ?? { types: [] }));
  return members.every((member) => member !== undefined) ? { value: members.map((member) => member.value) } : undefined;
}

function choiceOf(text: string, choices: NonNullable<Shape['choices']>): Typed {
  const plain = toAscii(text).toLowerCase();
  const exact = choices.findIndex((choice) => String(choice) === text);
  const index = exact >= 0 ? exact : choices.findIndex((choice) => String(choice).toLowerCase() === plain);
  return index >= 0 ? { value: choices[index] } : undefined;
}

/** More brackets in brackets are no argument, and would be too much for whoever prints them. */
const maxJsonDepth = 32;

/** Where the JSON object or array that begins at `at` ends, or -1 when it is none. */
export function jsonEnd(text: string, at: number): number {
  let depth = 0;
  let opening = '';
  for (let index = at; index < text.length; index += 1) {
    const character = text.charAt(index);
    if (opening !== '') {
      if (character === '\\') index += 1;
      else if (closes(opening, character)) opening = '';
    } else if (isDoubleQuote(character)) opening = character;
    else if (/[[{［｛]/.test(character)) depth += 1;
    else if (/[\]}］｝]/.test(character)) depth -= 1;
    if (depth > maxJsonDepth) return -1;
    if (depth === 0) return index + 1;
  }
  return -1;
}

function readJson(text: string, isGood: (value: unknown) => boolean): Typed {
  const trimmed = text.trim();
  if (!/^[[{［｛]/.test(trimmed) || jsonEnd(trimmed, 0) !== trimmed.length) return undefined;
  try {
    const value: unknown = JSON.parse(toJson(trimmed));
    return isGood(value) ? { value } : undefined;
  } catch {
    return undefined;
  }
}

/** JSON as it was meant on a phone: smart quotes and full-width brackets outside of texts become what JSON has. */
function toJson(text: string): string {
  let json = '';
  let opening = '';
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charAt(index);
    if (opening === '') {
      if (isDoubleQuote(character)) opening = character;
      json += isDoubleQuote(character) ? '"' : isSpace(character) ? ' ' : toAscii(character);
    } else if (character === '\\') {
      json += character + text.charAt(index + 1);
      index += 1;
    } else if (closes(opening, character)) {
      opening = '';
      json += '"';
    } else {
      json += character;
    }
  }
  return json;
}
