import { type AnyAction, BasePlugin, defineAction, type PluginMetadata, pluginEntry } from '@moltbot/plugin-sdk';
import { z } from 'zod';

const release = defineAction({
  name: 'demo.release',
  summary: 'Pretends to put a version on the targets, once somebody else has approved it.',
  args: z.strictObject({ version: z.string().min(1).max(40).describe('What is released.') }),
  effects: 'by-exec',
  confirm: 'other',
  run: ({ args, exec }) => exec({ command: 'sleep 1; echo "$VERSION is live"', env: { VERSION: args.version } }),
});

class DemoPlugin extends BasePlugin {
  getMetadata(): PluginMetadata {
    return { id: 'demo', version: '0.1.0', summary: 'What the demo shows beside commands.' };
  }

  override actions(): readonly AnyAction[] {
    return [release];
  }
}

const entry: typeof DemoPlugin = pluginEntry(DemoPlugin);
export default entry;
