import { type AnyAction, BasePlugin, defineAction, type PluginMetadata, pluginEntry } from '@moltbot/plugin-sdk';
import { z } from 'zod';

const deploy = defineAction({
  name: 'risky.deploy',
  summary: 'Puts a version on the targets.',
  args: z.strictObject({ version: z.string(), parallel: z.int().min(1).default(1) }),
  effects: 'by-exec',
  confirm: 'asker',
  run: ({ args, exec }) => exec({ command: `echo deployed ${args.version} by ${args.parallel}` }),
});

const drop = defineAction({
  name: 'risky.drop',
  summary: 'Drops the database of the targets.',
  args: z.strictObject({}),
  effects: 'by-exec',
  confirm: 'other',
  run: ({ exec }) => exec({ command: 'echo dropped' }),
});

class RiskyPlugin extends BasePlugin {
  getMetadata(): PluginMetadata {
    return { id: 'risky', version: '0.1.0', summary: 'Actions that ask first.' };
  }

  override actions(): readonly AnyAction[] {
    return [deploy, drop];
  }
}

const entry: typeof RiskyPlugin = pluginEntry(RiskyPlugin);
export default entry;
