import { type AnyAction, BasePlugin, defineAction, type PluginMetadata, pluginEntry } from '@moltbot/plugin-sdk';
import { z } from 'zod';

const environmentName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Linux refuses one argument of 128 KiB or more (MAX_ARG_STRLEN); a longer script goes by stdin. */
const maxCommandLength = 100_000;

/** Neither arguments nor the environment of a process can hold one; PATH_MAX bounds a directory. */
const noNul: readonly [RegExp, string] = [/^[^\0]*$/, 'must not hold a NUL character'];
const maxPathLength = 4_096;

const run = defineAction({
  name: 'shell.run',
  summary: 'Runs a shell command line on each target and streams what it prints.',
  args: z.strictObject({
    command: z
      .string()
      .min(1)
      .max(maxCommandLength)
      .regex(...noNul)
      .describe('A POSIX shell command line.'),
    env: z
      .record(z.string().regex(environmentName, 'must be a name such as LANG or MY_VAR_2'), z.string().regex(...noNul))
      .optional()
      .describe('Added to the environment of the command.'),
    cwd: z
      .string()
      .min(1)
      .max(maxPathLength)
      .regex(...noNul)
      .optional()
      .describe('Directory to run in.'),
    stdin: z.string().optional().describe('Given to the command, then end of file.'),
  }),
  effects: 'by-exec',
  run: ({ args, exec }) => exec(args),
});

class ShellPlugin extends BasePlugin {
  getMetadata(): PluginMetadata {
    return { id: 'shell', version: '0.1.0', summary: 'Shell commands on targets.' };
  }

  override actions(): readonly AnyAction[] {
    return [run];
  }
}

const entry: typeof ShellPlugin = pluginEntry(ShellPlugin);
export default entry;
