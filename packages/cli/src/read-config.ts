import { checkDeclared } from '@moltbot/schedules';
import { type Config, hasCode, isMoltError, loadConfig, type MoltError } from '@moltbot/shared';
import type { Terminal } from './command.ts';

/** The configuration in force, its schedules read as the scheduler does. Undefined when it is wrong: then every mistake is told, with its place. */
export async function readConfig(
  file: unknown,
  { complain, environment, cwd }: Pick<Terminal, 'complain' | 'environment' | 'cwd'>,
): Promise<Config | undefined> {
  try {
    const named = typeof file === 'string' ? file : undefined;
    const { config, warnings } = await loadConfig({ file: named, environment, cwd });
    for (const warning of warnings) complain(`warning: ${warning}`);
    const mistakes = await checkDeclared(config);
    for (const mistake of mistakes) complain(mistake);
    return mistakes.length > 0 ? undefined : config;
  } catch (error) {
    if (!isMoltError(error) || !hasCode(error, 'MOLT_BAD_CONFIG')) throw error;
    complain(report(error));
    return undefined;
  }
}

const report = ({ code, title, places, remedy }: MoltError): string =>
  [...places.map(({ path, message }) => `${path}: ${message}`), '', `${code}: ${title}.`, remedy].join('\n');
