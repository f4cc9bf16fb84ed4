import type { AnyAction } from '@moltbot/plugin-sdk';
import type { AliasConfig } from '@moltbot/shared';
import { shellAction, shellArgument } from '../aliases.ts';
import { aliasToCommand } from './alias-to-command.ts';
import { isSpace } from './characters.ts';
import type { ChatCommand, RunCommand } from './command.ts';
import { commandError } from './command-error.ts';
import { type Cursor, character, skipSpaces, takeRun, takeWord, type Word } from './cursor.ts';
import { type Parameters, parametersOf } from './parameters.ts';
import { parseVerb } from './parse-verb.ts';
import { requireArguments } from './read-argument.ts';
import { type Head, readHead, takeAfterDashes, takeSelectorPiece, unknownOptionAt } from './read-head.ts';
import { isAtArgument, takeArgument } from './take-argument.ts';
import { textToCode } from './text-to-code.ts';
import { findEntry, type GrammarContext, meantEntry, meantOf, type Script } from './vocabulary.ts';

/**
 * A text to the command that it is:
 *
 *     run on:web-* env=prod timeout:30s -- uptime -p      a shell command line, as it is written
 *     run on:web-1 ```…```                                a script in a code block, or in the one attached file
 *     system.status on:"web-* env=prod" top=3             an action, with arguments of the types of its schema
 *     sync SRC DST on:web-1                               an alias
 *     show 0198c3a1                                       and the other verbs
 *
 * @throws MOLT_CHAT_COMMAND with `details: { position, hint }`: the 0-based place in the text, and a `CommandHint`
 */
export function parseCommand(text: string, context: GrammarContext): ChatCommand {
  const cursor: Cursor = { text, at: 0 };
  skipSpaces(cursor);
  const { at } = cursor;
  const word = takeRun(cursor);
  if (word === '') throw commandError(0, { kind: 'empty' });
  const entry = findEntry(word, context) ?? findEntry(word.replace(/[:：]$/, ''), context);
  if (!entry) throw commandError(at, { kind: 'unknown-verb', word, meant: meantEntry(word, context) });
  if (entry.kind === 'alias') return parseAlias(cursor, { alias: entry.alias, at, context });
  if (entry.kind === 'action') return parseAction(cursor, { action: entry.action, context });
  if (entry.verb === 'run' || entry.verb === 'script') return parseRun(cursor, context);
  return parseVerb(cursor, entry.verb);
}

function parseRun(cursor: Cursor, { scripts }: GrammarContext): RunCommand {
  const dashed: number[] = [];
  const head = readHead(cursor, {
    hasCommand: true,
    takeOther: (here) => {
      const option = unknownOptionAt(here);
      if (option !== undefined) throw unknownOption(here.at, option, []);
      if (character(here) === '-') dashed.push(here.at);
      return takeSelectorPiece(here);
    },
  });
  const command = commandAfter(cursor, { end: head.end, scripts });
  if (command === undefined) throw commandError(dashed[0] ?? head.end.at, { kind: 'missing-command' });
  return toRun(head, { action: shellAction, args: { [shellArgument]: command } });
}

const unknownOption = (at: number, word: string, names: readonly string[]) => {
  const meant = meantOf(word.slice(0, -1).toLowerCase(), ['timeout', 'on', ...names]);
  return commandError(at, {
    kind: 'unknown-option',
    word,
    ...(meant !== undefined && { meant: names.includes(meant) ? `${meant}=` : `${meant}:` }),
  });
};

/** The command line: behind dashes, in code, or in the attached script. */
function commandAfter(
  cursor: Cursor,
  { end, scripts }: { end: Head['end']; scripts: readonly Script[] },
): string | undefined {
  const [script, second] = scripts;
  if (end.kind === 'text') {
    if (second) throw commandError(end.at, { kind: 'many-scripts', names: scripts.map(({ name }) => name) });
    if (script && isBlank(script.text)) throw commandError(end.at, { kind: 'empty-script', name: script.name });
    return script?.text;
  }
  if (script) throw commandError(end.at, { kind: 'command-and-script', name: script.name });
  const { text, at } =
    end.kind === 'code' ? { text: textToCode(cursor.text, end.at), at: end.at } : takeAfterDashes(cursor);
  if (end.kind === 'dashes' && text.startsWith('```')) throw commandError(at, { kind: 'block-after-dashes' });
  if (isBlank(text)) throw commandError(at, { kind: 'missing-command' });
  return text;
}

const isBlank = (text: string): boolean => [...text].every(isSpace);

function toRun({ on, timeout, end }: Head, { action, args }: Pick<RunCommand, 'action' | 'args'>): RunCommand {
  if (!on) throw commandError(end.at, { kind: 'missing-on' });
  return { verb: 'run', action, args, on: on.text, ...(timeout !== undefined && { timeout }) };
}

function parseAction(cursor: Cursor, { action, context }: { action: AnyAction; context: GrammarContext }): RunCommand {
  const parameters = parametersOf(action);
  const args = new Map<string, unknown>();
  const head = readHead(cursor, {
    hasCommand: true,
    takeOther: (here) => takeOther(here, { action: action.name, parameters, args }),
  });
  addCommand(cursor, { action: action.name, head, args, scripts: context.scripts });
  requireArguments(new Set(args.keys()), { action: action.name, parameters, where: head.end.at });
  return toRun(head, { action: action.name, args: Object.fromEntries(args) });
}

/** An argument, or a piece of the selector. */
function takeOther(
  cursor: Cursor,
  { action, parameters, args }: { action: string; parameters: Parameters; args: Map<string, unknown> },
): string | undefined {
  const { at } = cursor;
  if (isAtArgument(cursor)) {
    const { name, value } = takeArgument(cursor, { action, parameters });
    if (args.has(name)) throw commandError(at, { kind: 'repeated', word: `${name}=` });
    args.set(name, value);
    return undefined;
  }
  if (/[=＝]/.test(character(cursor))) throw commandError(at, { kind: 'spaced-equals' });
  const option = unknownOptionAt(cursor);
  const names = parameters.list.map(({ name }) => name);
  if (option !== undefined) throw unknownOption(at, option, names);
  return takeSelectorPiece(cursor);
}

/** The command line of the action that has one may be written as that of `run`. */
function addCommand(
  cursor: Cursor,
  {
    action,
    head,
    args,
    scripts,
  }: { action: string; head: Head; args: Map<string, unknown>; scripts: readonly Script[] },
): void {
  const { end } = head;
  if (action !== shellAction) {
    if (end.kind !== 'text') throw commandError(end.at, { kind: 'takes-no-command', action });
    return;
  }
  if (args.has(shellArgument)) {
    if (end.kind !== 'text') throw commandError(end.at, { kind: 'repeated', word: `${shellArgument}=` });
    return;
  }
  const command = commandAfter(cursor, { end, scripts });
  if (command !== undefined) args.set(shellArgument, command);
}

function parseAlias(
  cursor: Cursor,
  { alias, at, context }: { alias: AliasConfig; at: number; context: GrammarContext },
): RunCommand {
  const words: Word[] = [];
  const head = readHead(cursor, {
    hasCommand: false,
    takeOther: (here) => {
      words.push(takeWord(here));
      return undefined;
    },
  });
  return aliasToCommand(
    {
      alias,
      words: words.map(({ text }) => text),
      on: head.on?.text,
      timeout: head.timeout,
      places: {
        alias: { position: at },
        word: (index) => ({ position: words[index]?.at ?? head.end.at }),
        on: { position: head.on?.at ?? head.end.at },
        end: { position: head.end.at },
      },
    },
    context,
  );
}
