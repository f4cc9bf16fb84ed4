import { isQuote } from './characters.ts';
import { type Cursor, character, takeQuotedWord, takeRun } from './cursor.ts';
import type { Parameters, Shape } from './parameters.ts';
import { readArgument, shapeNamed } from './read-argument.ts';
import { jsonEnd, type Written } from './text-to-value.ts';

/** What names an argument: `key=`, but not `key!=`, which is a label. Long runs are no names. */
const namePattern = /^([\p{L}_][\p{L}\p{N}_.-]{0,99})[=＝]/u;

const maxName = 101;

const nameAt = ({ text, at }: Cursor): RegExpExecArray | null => namePattern.exec(text.slice(at, at + maxName));

export const isAtArgument = (cursor: Cursor): boolean => nameAt(cursor) !== null;

/**
 * Takes `key=value`, `key="with spaces"`, or a JSON literal where the schema takes one.
 * @throws MOLT_CHAT_COMMAND when the action has no such argument, or the value is not of its type.
 */
export function takeArgument(
  cursor: Cursor,
  { action, parameters }: { action: string; parameters: Parameters },
): { readonly name: string; readonly value: unknown } {
  const [whole, name = ''] = nameAt(cursor) ?? [''];
  const shape = shapeNamed(name, { action, parameters, where: cursor.at });
  cursor.at += whole.length;
  const where = cursor.at;
  return { name, value: readArgument(takeValue(cursor, shape), { name, shape, where }) };
}

function takeValue(cursor: Cursor, shape: Shape): Written {
  if (isQuote(character(cursor))) return { text: takeQuotedWord(cursor), quoted: true };
  const takesLiteral = shape.types.includes('array') || shape.types.includes('object');
  const end = takesLiteral && /[[{［｛]/.test(character(cursor)) ? jsonEnd(cursor.text, cursor.at) : -1;
  if (end < 0) return { text: takeRun(cursor), quoted: false };
  const start = cursor.at;
  cursor.at = end;
  // What follows without a space belongs to it, and then it is no literal.
  return { text: cursor.text.slice(start, end) + takeRun(cursor), quoted: false };
}
