import { configJsonSchema, formatConfig } from '@moltbot/shared';
import { type Command, exitCodes } from './command.ts';
import { readConfig } from './read-config.ts';

/** Prints the effective configuration without its secrets, or every mistake with its place. */
export const configCheck: Command = {
  name: 'config check',
  usage: '[--file FILE]',
  summary: 'check the configuration and print what is in force',
  options: { file: { type: 'string', short: 'f' } },
  async run({ file }, terminal) {
    const config = await readConfig(file, terminal);
    if (!config) return exitCodes.failed;
    terminal.print(formatConfig(config).trimEnd());
    return exitCodes.ok;
  },
};

/** Prints the JSON Schema of the file, for editors. */
export const configSchema: Command = {
  name: 'config schema',
  usage: '',
  summary: 'print the JSON Schema of the configuration',
  options: {},
  async run(_values, { print }) {
    print(JSON.stringify(configJsonSchema(), null, 2));
    return exitCodes.ok;
  },
};
