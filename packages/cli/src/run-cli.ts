import { parseArgs } from 'node:util';
import { nearest } from '@moltbot/shared';
import { type Command, type ExitCode, exitCodes, type Terminal } from './command.ts';
import { configCheck, configSchema } from './config-commands.ts';
import { keyNew } from './key-commands.ts';
import { remoteCommands } from './remote-commands.ts';
import { scheduleDiff } from './schedule-diff.ts';

const commands: readonly Command[] = [configCheck, configSchema, keyNew, ...remoteCommands, scheduleDiff];

/** Does what the arguments say (without the first two of `argv`); resolves to the exit code of the process. */
export async function runCli(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  if (args.length === 0 || args[0] === 'help' || args.includes('--help') || args.includes('-h')) {
    terminal.print(help());
    return exitCodes.ok;
  }
  const command = commands.find(({ name }) => startsWith(args, name.split(' ')));
  if (!command) {
    terminal.complain(unknownCommand(args));
    return exitCodes.usage;
  }
  const values = readOptions(command, args.slice(command.name.split(' ').length));
  if (typeof values !== 'string') return command.run(values, terminal);
  terminal.complain(`${values}\nusage: moltbot ${command.name} ${command.usage}`.trimEnd());
  return exitCodes.usage;
}

const startsWith = (args: readonly string[], words: readonly string[]): boolean =>
  words.every((word, index) => args[index] === word);

/** The options and words, or why they cannot be read. */
function readOptions(
  { options, words = [] }: Command,
  args: readonly string[],
): Readonly<Record<string, unknown>> | string {
  try {
    const allowPositionals = words.length > 0;
    const { values, positionals } = parseArgs({ args: [...args], options, strict: true, allowPositionals });
    const [missing] = words.slice(positionals.length);
    if (missing !== undefined) return `${missing.toUpperCase()} is missing`;
    const [stray] = positionals.slice(words.length);
    if (stray !== undefined) return `Unexpected argument '${stray}'`;
    return { ...values, ...Object.fromEntries(words.map((word, at) => [word, positionals[at]])) };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function unknownCommand(args: readonly string[]): string {
  const words = args.filter((arg) => !arg.startsWith('-')).slice(0, 2);
  const typed = words.join(' ');
  const names = commands.map(({ name }) => name);
  const meant = nearest(typed, names) ?? names.find((name) => name.startsWith(`${words[0]} `));
  return `there is no command "${typed}"${meant ? `; did you mean "${meant}"?` : ''}\n\n${help()}`;
}

function help(): string {
  const lines = commands.map(({ name, usage, summary }) => [`moltbot ${name} ${usage}`.trimEnd(), summary] as const);
  const width = Math.max(...lines.map(([line]) => line.length));
  return [
    'Commands:',
    ...lines.map(([line, summary]) => `  ${line.padEnd(width)}  ${summary}`),
    '',
    'In a checkout: npm run moltbot -- COMMAND. It ends with 0: done, 1: it went wrong, 2: it was not used as it must be.',
  ].join('\n');
}
