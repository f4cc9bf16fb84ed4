import type { ExecSpec } from '@moltbot/plugin-sdk';
import { MoltError } from '@moltbot/shared';

/** One word of a POSIX shell, whatever is in it. */
export const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** `export NAME='…'`, a line each. @throws MOLT_BAD_ARGUMENTS on a name no shell takes. */
export function exportLines(env: ExecSpec['env']): readonly string[] {
  return Object.entries(env ?? {}).map(([name, value]) => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      throw new MoltError('MOLT_BAD_ARGUMENTS', `"${name}" cannot be the name of an environment variable`);
    }
    return `export ${name}=${quote(value)}`;
  });
}

/** Linux takes this many bytes in one argument of a program (MAX_ARG_STRLEN less the NUL). */
const longestScript = 131_071;

/** @throws MOLT_BAD_ARGUMENTS when no program could be given the script. */
export function checkScript(script: string): string {
  if (script.includes('\0')) throw new MoltError('MOLT_BAD_ARGUMENTS', 'a command cannot hold a NUL character');
  const bytes = Buffer.byteLength(script);
  if (bytes <= longestScript) return script;
  throw new MoltError('MOLT_BAD_ARGUMENTS', `the command has ${bytes} bytes; ${longestScript} is the most`, {
    remedy: 'Put a short command, and give the long text as its stdin.',
  });
}
