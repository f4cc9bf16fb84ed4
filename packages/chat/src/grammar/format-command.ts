import { shellAction, shellArgument } from '../aliases.ts';
import type { ChatCommand, RunCommand } from './command.ts';
import { codeToText } from './text-to-code.ts';

/** A command as it is written, for showing what will run; `parseCommand` makes the same of it. */
export function formatCommand(command: ChatCommand): string {
  switch (command.verb) {
    case 'run':
      return formatRun(command);
    case 'help':
      return join(command.verb, command.topic);
    case 'targets':
      return join(command.verb, command.on === undefined ? undefined : formatOn(command.on));
    case 'show':
    case 'output':
    case 'cancel':
      return join(command.verb, command.task);
    case 'rerun':
      return join(command.verb, command.task, command.failed ? 'failed' : undefined);
    case 'schedules':
      return join(command.verb, command.words);
    case 'schedule':
    case 'pause':
    case 'resume':
    case 'fire':
      return join(command.verb, command.schedule);
    case 'link':
      return join(command.verb, command.code);
    case 'language':
      return join(command.verb, command.language);
    default:
      return command.verb;
  }
}

const join = (...parts: readonly (string | undefined)[]): string =>
  parts.filter((part) => part !== undefined && part !== '').join(' ');

function formatRun({ action, args, on, timeout }: RunCommand): string {
  const { [shellArgument]: line, ...others } = args;
  const isShell = action === shellAction && typeof line === 'string';
  const isRun = isShell && Object.keys(others).length === 0;
  const head = join(
    isRun ? 'run' : action,
    formatOn(on),
    ...Object.entries(isShell ? others : args).map(([name, value]) => `${name}=${formatValue(value)}`),
    timeout === undefined ? undefined : `timeout:${timeout}`,
  );
  if (!isShell) return head;
  // Behind dashes a block would be refused.
  return line.startsWith('```') ? `${head}\n${codeToText(line)}` : `${head} -- ${line}`;
}

/** A selector of one word that is nothing else: no dashes, no quotes. */
const plainTerm = /^(?!-)[A-Za-z0-9*?._/@!,()|&=-]+$/;

const formatOn = (on: string): string => `on:${plainTerm.test(on) ? on : quote(on)}`;

const quote = (text: string): string => `"${text.replace(/[\\"]/g, '\\$&')}"`;

/** Texts that are no number, no list and no word of JSON, wherever they stand. */
const plainText = /^[A-Za-z_./~@%][A-Za-z0-9_./:@%+~-]*$/;
const otherWords = new Set(['true', 'false', 'null', 'yes', 'no', 'on', 'off', 'y', 'n']);

function formatValue(value: unknown): string {
  if (typeof value === 'string') {
    return plainText.test(value) && !/^\.\d/.test(value) && !otherWords.has(value.toLowerCase()) ? value : quote(value);
  }
  return Object.is(value, -0) ? '-0' : JSON.stringify(value);
}
