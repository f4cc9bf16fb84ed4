import { appendFileSync } from 'node:fs';
import { type AnyAction, BasePlugin, defineAction, type PluginMetadata, pluginEntry } from '@moltbot/plugin-sdk';
import { z } from 'zod';

/** Leaves a line in a file each time it runs: nothing else would show that one ran twice. */
const run = defineAction({
  name: 'mark.run',
  summary: 'Adds a line to a file.',
  args: z.strictObject({ file: z.string(), line: z.string() }),
  async run({ args: { file, line } }) {
    appendFileSync(file, `${line}\n`);
    return { exitCode: 0 };
  },
});

class MarkPlugin extends BasePlugin {
  getMetadata(): PluginMetadata {
    return { id: 'mark', version: '0.1.0', summary: 'An action that leaves a mark.' };
  }

  override actions(): readonly AnyAction[] {
    return [run];
  }
}

const entry: typeof MarkPlugin = pluginEntry(MarkPlugin);
export default entry;
