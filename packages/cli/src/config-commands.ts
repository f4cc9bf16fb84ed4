import { checkDeclared } from '@moltbot/schedules';
import { configJsonSchema, formatConfig, hasCode, isMoltError, loadConfig, type MoltError } from '@moltbot/shared';
import { type Command, exitCodes } from './command.ts';

/** Prints the effective configuration without its secrets, or every mistake with its place. */
export const configCheck: Command = {
  name: 'config check',
  usage: '[--file FILE]',
  summary: 'check the configuration and print what is in force',
  options: { file: { type: 'string', short: 'f' } },
  async run({ file }, { print, complain, environment, cwd }) {
    try {
      const named = typeof file === 'string' ? file : undefined;
      const { config, warnings } = await loadConfig({ file: named, environment, cwd });
      for (const warning of warnings) complain(`warning: ${warning}`);
      const mistakes = await checkDeclared(config);
      for (const mistake of mistakes) complain(mistake);
      if (mistakes.length > 0) return exitCodes.failed;
      print(formatConfig(config).trimEnd());
      return exitCodes.ok;
    } catch (error) {
      if (!isMoltError(error) || !hasCode(error, 'MOLT_BAD_CONFIG')) throw error;
      complain(report(error));
      return exitCodes.failed;
    }
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

const report = ({ code, title, places, remedy }: MoltError): string =>
  [...places.map(({ path, message }) => `${path}: ${message}`), '', `${code}: ${title}.`, remedy].join('\n');
