import type { AliasConfig } from '@moltbot/shared';
import { aliasUsage, type FilledArgument, fillAlias, wordCountOf } from '../aliases.ts';
import type { RunCommand } from './command.ts';
import { commandError, type Where } from './command-error.ts';
import { type Parameters, parametersOf, type Shape, silent } from './parameters.ts';
import { readArgument } from './read-argument.ts';
import { textToValue } from './text-to-value.ts';
import type { Vocabulary } from './vocabulary.ts';

/** What is written with an alias. */
interface AliasCall {
  readonly alias: AliasConfig;
  readonly words: readonly string[];
  readonly on: string | undefined;
  readonly timeout: string | undefined;
  /** Where the alias, the words, the selector and the end stand. */
  readonly places: {
    readonly alias: Where;
    readonly word: (index: number) => Where;
    readonly on: Where;
    readonly end: Where;
  };
}

/** How an alias is written in a text. */
export const aliasForm = (alias: AliasConfig): string =>
  [alias.name, aliasUsage(alias), ...(alias.on === undefined ? ['on:TARGETS'] : []), '[timeout:30s]']
    .filter((part) => part !== '')
    .join(' ');

/** @throws MOLT_CHAT_COMMAND when words or targets are missing, too many, or of the wrong type. */
export function aliasToCommand(call: AliasCall, { actions }: Vocabulary): RunCommand {
  const { alias, words, timeout, places } = call;
  const { numbered, rest } = wordCountOf(alias);
  const usage = { kind: 'usage', usage: aliasForm(alias) } as const;
  if (words.length < numbered) throw commandError(places.end, usage);
  if (words.length > numbered && !rest) throw commandError(places.word(numbered), usage);
  const on = targetsOf(call);
  const filled = fillAlias(alias, words);
  if ('place' in filled)
    throw commandError(places.alias, { kind: 'bad-alias', alias: alias.name, place: filled.place });
  const action = actions.find(({ name }) => name === alias.action);
  // An action that is not known here is for the door to refuse.
  const parameters: Parameters = action ? parametersOf(action) : { list: [] };
  const args = filled.map((argument): [string, unknown] => [
    argument.name,
    argumentOf(argument, { parameters, where: places.alias }),
  ]);
  return {
    verb: 'run',
    action: alias.action,
    args: Object.fromEntries(args),
    on,
    ...(timeout !== undefined && { timeout }),
  };
}

function targetsOf({ alias, on, places }: AliasCall): string {
  if (alias.on !== undefined && on !== undefined) {
    throw commandError(places.on, { kind: 'fixed-on', alias: alias.name, on: alias.on });
  }
  const targets = alias.on ?? on;
  if (targets === undefined) throw commandError(places.end, { kind: 'missing-on' });
  return targets;
}

function argumentOf(
  { name, value, typed, rest }: FilledArgument,
  { parameters, where }: { parameters: Parameters; where: Where },
): unknown {
  const shape = parameters.list.find((parameter) => parameter.name === name) ?? parameters.others ?? silent;
  if (rest && shape.types.includes('array')) return rest.map((text) => memberOf(text, shape.items ?? silent));
  if (!typed || typeof value !== 'string') return value;
  return readArgument({ text: value, quoted: false }, { name, shape, where });
}

const memberOf = (text: string, shape: Shape): unknown => {
  const member = textToValue({ text, quoted: false }, shape);
  return member ? member.value : text;
};
