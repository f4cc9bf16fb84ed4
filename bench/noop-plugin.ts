import { type AnyAction, BasePlugin, defineAction, type PluginMetadata, pluginEntry } from '@moltbot/plugin-sdk';
import { z } from 'zod';

const run = defineAction({
  name: 'noop.run',
  summary: 'Does nothing, so that only the way to it is measured.',
  args: z.strictObject({}),
  run: async () => ({ exitCode: 0 }),
});

class NoopPlugin extends BasePlugin {
  getMetadata(): PluginMetadata {
    return { id: 'noop', version: '0.1.0', summary: 'An action that does nothing.' };
  }

  override actions(): readonly AnyAction[] {
    return [run];
  }
}

const entry: typeof NoopPlugin = pluginEntry(NoopPlugin);
export default entry;
