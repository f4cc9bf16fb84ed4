import type { AnyAction } from '@moltbot/plugin-sdk';
import type { AliasConfig } from '@moltbot/shared';
import { shellAction, shellArgument } from '../aliases.ts';
import { aliasToCommand } from './alias-to-command.ts';
import { isSpace } from './characters.ts';
import type { ChatCommand, RunCommand } from './command.ts';
import { commandError } from './command-error.ts';
import { takeWords } from './cursor.ts';
import { createOptionReader, type OptionReader, type Options } from './option-reader.ts';
import { parametersOf, type Shape } from './parameters.ts';
import { toLanguage, toScheduleId, toSchedules, toTaskId } from './parse-verb.ts';
import { requireArguments } from './read-argument.ts';
import { aliasWords, namedParameters } from './usage-of.ts';
import type { Verb } from './verbs.ts';
import { findEntry, type GrammarContext, meantEntry, type Script } from './vocabulary.ts';

/**
 * A command with named options, as `usageOf` lists them, to the command that it is. Actions and their arguments go by their names as well
 * as by those of `usageOf`; values may be texts of the type that the schema asks for.
 * @throws MOLT_CHAT_COMMAND with `details: { position: 0, option?, hint }`
 */
export function commandFromOptions(verb: string, options: Options, context: GrammarContext): ChatCommand {
  const entry = findEntry(verb, context);
  if (!entry) throw commandError(0, { kind: 'unknown-verb', word: verb, meant: meantEntry(verb, context) });
  const reader = createOptionReader(verb, options);
  const command =
    entry.kind === 'verb'
      ? fromVerb(entry.verb, reader, context)
      : entry.kind === 'alias'
        ? fromAlias(entry.alias, reader, context)
        : fromAction(entry.action, reader, context);
  reader.expectNoOther();
  return command;
}

function fromVerb(verb: Verb, reader: OptionReader, { scripts }: GrammarContext): ChatCommand {
  switch (verb) {
    case 'run':
      return shellCommand(reader, { option: 'command', scripts });
    case 'script':
      return shellCommand(reader, { option: 'text', scripts });
    case 'help': {
      const topic = reader.text('topic')?.trim();
      return { verb, ...(topic && { topic }) };
    }
    case 'targets': {
      const on = reader.selector();
      return { verb, ...(on !== undefined && { on }) };
    }
    case 'show':
    case 'output':
    case 'cancel':
      return { verb, task: taskOf(reader) };
    case 'rerun':
      return { verb, task: taskOf(reader), failed: reader.value('failed', boolean) === true };
    case 'schedules':
      return toSchedules((reader.text('words') ?? '').split(/\s+/));
    case 'schedule':
    case 'pause':
    case 'resume':
    case 'fire': {
      const where = { position: 0, option: 'schedule' };
      return { verb, schedule: toScheduleId({ text: reader.required('schedule').trim() }, { verb, where }) };
    }
    case 'link':
      return { verb, code: reader.required('code').trim() };
    case 'language':
      return { verb, language: toLanguage(reader.required('language').trim(), { position: 0, option: 'language' }) };
    default:
      return { verb };
  }
}

const boolean: Shape = { types: ['boolean'] };

const taskOf = (reader: OptionReader): string =>
  toTaskId({ text: reader.required('task').trim() }, { position: 0, option: 'task' });

function shellCommand(
  reader: OptionReader,
  { option, scripts }: { option: string; scripts: readonly Script[] },
): RunCommand {
  const command = commandOf(reader.text(option), { option, scripts });
  if (command === undefined) throw commandError({ position: 0, option }, { kind: 'missing-command' });
  return toRun(reader, { action: shellAction, args: { [shellArgument]: command } });
}

function commandOf(
  text: string | undefined,
  { option, scripts }: { option: string; scripts: readonly Script[] },
): string | undefined {
  const where = { position: 0, option };
  const [script, second] = scripts;
  if (text !== undefined && script) throw commandError(where, { kind: 'command-and-script', name: script.name });
  if (second) throw commandError(where, { kind: 'many-scripts', names: scripts.map(({ name }) => name) });
  if (script && isBlank(script.text)) throw commandError(where, { kind: 'empty-script', name: script.name });
  const command = text ?? script?.text;
  return command === undefined || isBlank(command) ? undefined : command;
}

const isBlank = (text: string): boolean => [...text].every(isSpace);

function toRun(reader: OptionReader, { action, args }: Pick<RunCommand, 'action' | 'args'>): RunCommand {
  const on = reader.selector();
  if (on === undefined) throw commandError({ position: 0, option: 'on' }, { kind: 'missing-on' });
  const timeout = reader.timeout();
  return { verb: 'run', action, args, on, ...(timeout !== undefined && { timeout }) };
}

function fromAction(action: AnyAction, reader: OptionReader, { scripts }: GrammarContext): RunCommand {
  const parameters = parametersOf(action);
  const args = new Map<string, unknown>();
  for (const { option, parameter } of namedParameters(action)) {
    const value = reader.value(option, parameter) ?? reader.value(parameter.name, parameter);
    if (value !== undefined) args.set(parameter.name, value);
  }
  const command = toRun(reader, { action: action.name, args: {} });
  if (parameters.others) {
    for (const [name, value] of reader.others(parameters.others)) args.set(name, value);
  }
  reader.expectNoOther();
  if (action.name === shellAction && !args.has(shellArgument)) {
    const script = commandOf(undefined, { option: shellArgument, scripts });
    if (script !== undefined) args.set(shellArgument, script);
  }
  requireArguments(new Set(args.keys()), { action: action.name, parameters, where: 0 });
  return { ...command, args: Object.fromEntries(args) };
}

function fromAlias(alias: AliasConfig, reader: OptionReader, context: GrammarContext): RunCommand {
  const names = aliasWords(alias);
  const words: string[] = [];
  for (const { name, isRest } of names) {
    const text = isRest ? reader.text(name) : reader.required(name);
    if (isRest) words.push(...takeWords({ text: text ?? '', at: 0 }).map((word) => word.text));
    else if (text !== undefined) words.push(text);
  }
  return aliasToCommand(
    {
      alias,
      words,
      on: reader.selector(),
      timeout: reader.timeout(),
      places: {
        alias: { position: 0 },
        word: (index) => ({ position: 0, option: names[index]?.name }),
        on: { position: 0, option: 'on' },
        end: { position: 0 },
      },
    },
    context,
  );
}
