import { shown } from './characters.ts';
import { commandError, type Where } from './command-error.ts';
import type { ValueKind } from './command-hint.ts';
import type { Parameters, Shape } from './parameters.ts';
import { textToValue, type Written } from './text-to-value.ts';
import { meantOf } from './vocabulary.ts';

/** The shape of an argument by its name; of one that there is not: MOLT_CHAT_COMMAND. */
export function shapeNamed(
  name: string,
  { action, parameters, where }: { action: string; parameters: Parameters; where: Where | number },
): Shape {
  const shape = parameters.list.find((parameter) => parameter.name === name) ?? parameters.others;
  if (shape) return shape;
  const known = parameters.list.map((parameter) => parameter.name);
  throw commandError(where, { kind: 'unknown-argument', action, word: name, known, meant: meantOf(name, known) });
}

/** The value that is written for an argument. @throws MOLT_CHAT_COMMAND when it is none of its shape. */
export function readArgument(
  written: Written,
  { name, shape, where }: { name: string; shape: Shape; where: Where | number },
): unknown {
  const typed = textToValue(written, shape);
  if (typed) return typed.value;
  const choices = shape.choices?.map((choice) => shown(String(choice)));
  throw commandError(where, {
    kind: 'bad-argument',
    name,
    word: written.text,
    expected: expectedOf(shape),
    ...(choices && { choices: choices.slice(0, 25), meant: meantOf(written.text.toLowerCase(), choices) }),
  });
}

function expectedOf({ types, choices }: Shape): ValueKind {
  if (choices) return 'choice';
  const [type, second] = types.filter((one) => one !== 'null');
  if (type === undefined || second !== undefined || type === 'string') return 'other';
  return type === 'array' ? 'list' : type === 'object' ? 'object' : type;
}

/** @throws MOLT_CHAT_COMMAND with the names of what is missing. */
export function requireArguments(
  given: ReadonlySet<string>,
  { action, parameters, where }: { action: string; parameters: Parameters; where: Where | number },
): void {
  const names = parameters.list.filter(({ name, required }) => required && !given.has(name)).map(({ name }) => name);
  if (names.length > 0) throw commandError(where, { kind: 'missing-arguments', action, names });
}
