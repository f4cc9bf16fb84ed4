import { type AnyAction, BasePlugin, defineAction, type PluginMetadata, pluginEntry } from '@moltbot/plugin-sdk';
import { z } from 'zod';

const environmentName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Linux refuses one argument of 128 KiB or more (MAX_ARG_STRLEN); a longer script goes by stdin. */
const maxCommandLength = 100_000;

const run = defineAction({
  name: 'shell.run',
  summary: 'Runs a shell command line on each target and streams what it prints.',
  args: z.strictObject({
    command: z.string().min(1).max(maxCommandLength).describe('A POSIX shell command line.'),
    env: z
      .record(z.string().regex(environmentName), z.string())
      .optional()
      .describe('Added to the environment of the command.'),
    cwd: z.string().min(1).optional().describe('Directory to run in.'),
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
