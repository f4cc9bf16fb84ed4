import { normaliseSelector } from './characters.ts';
import { commandError } from './command-error.ts';
import type { Shape } from './parameters.ts';
import { readArgument } from './read-argument.ts';
import { toTimeout } from './read-head.ts';
import { meantOf } from './vocabulary.ts';

export type Options = Readonly<Record<string, string | number | boolean>>;

/** Reads the options of a command, each once; what nobody asked for is what there is not. */
export interface OptionReader {
  /** As it was written. */
  text(name: string): string | undefined;
  /** @throws MOLT_CHAT_COMMAND when it is not there, or blank */
  required(name: string): string;
  value(name: string, shape: Shape): unknown;
  selector(): string | undefined;
  timeout(): string | undefined;
  /** Those that were not read yet. */
  others(shape: Shape): readonly (readonly [string, unknown])[];
  /** @throws MOLT_CHAT_COMMAND when one was not read */
  expectNoOther(): void;
}

export function createOptionReader(verb: string, options: Options): OptionReader {
  const asked = new Set<string>();
  const take = (name: string): string | number | boolean | undefined => {
    asked.add(name);
    return Object.hasOwn(options, name) ? options[name] : undefined;
  };
  const text = (name: string): string | undefined => {
    const value = take(name);
    return value === undefined ? undefined : String(value);
  };
  const notAsked = (): readonly string[] => Object.keys(options).filter((name) => !asked.has(name));
  const toValue = (name: string, shape: Shape): unknown => {
    const value = take(name);
    if (value === undefined || fits(value, shape)) return value;
    return readArgument({ text: String(value), quoted: false }, { name, shape, where: { position: 0, option: name } });
  };

  return {
    text,
    required(name) {
      const value = text(name);
      if (value !== undefined && value.trim() !== '') return value;
      throw commandError({ position: 0, option: name }, { kind: 'missing-arguments', action: verb, names: [name] });
    },
    value: toValue,
    selector() {
      const on = normaliseSelector(text('on') ?? '');
      return on === '' ? undefined : on;
    },
    timeout() {
      const timeout = text('timeout');
      return timeout === undefined || timeout.trim() === ''
        ? undefined
        : toTimeout(timeout, { position: 0, option: 'timeout' });
    },
    others: (shape) => notAsked().map((name) => [name, toValue(name, shape)]),
    expectNoOther() {
      const [word] = notAsked();
      if (word === undefined) return;
      const known = [...asked];
      throw commandError(
        { position: 0, option: word },
        { kind: 'unknown-argument', action: verb, word, known, meant: meantOf(word, known) },
      );
    },
  };
}

/** A text is read by the shape wherever that is not a text alone. */
const fits = (value: string | number | boolean, { types, choices }: Shape): boolean =>
  choices === undefined &&
  ((typeof value === 'boolean' && types.includes('boolean')) ||
    (typeof value === 'number' && types.includes('number')) ||
    (typeof value === 'number' && types.includes('integer') && Number.isSafeInteger(value)));
