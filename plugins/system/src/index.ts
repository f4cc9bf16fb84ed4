import { type AnyAction, BasePlugin, defineAction, type PluginMetadata, pluginEntry } from '@moltbot/plugin-sdk';
import { z } from 'zod';
import { outputToStatus } from './output-to-status.ts';
import { scriptFor } from './script.ts';
import { SystemStatus } from './status.ts';
import { statusToText } from './status-to-text.ts';

/** A host without awk tells of each of its processes, twice. */
const maxBytes = 1_024 * 1_024;

const status = defineAction({
  name: 'system.status',
  summary: 'Tells how a host is doing: CPU, memory, swap, disks, load, uptime, top processes.',
  args: z.strictObject({
    top: z.int().min(0).max(20).default(5).describe('Processes of most CPU, and of most memory.'),
    sample: z
      .int()
      .min(0)
      .max(30)
      .default(1)
      .describe('Seconds over which the CPU is measured; 0: since the host started.'),
  }),
  effects: 'by-exec',
  class: 'readonly',
  data: SystemStatus,
  async run({ args, target, capture, write }) {
    const seen = await capture({ command: await scriptFor(args), maxBytes });
    const found = outputToStatus(seen.stdout, args);
    if (!found) {
      await write('stdout', seen.stdout);
      await write('stderr', seen.stderr);
      if (seen.signal !== undefined || seen.exitCode) return { exitCode: seen.exitCode, signal: seen.signal };
      throw new Error(`the shell of ${target.name} did not run the script that looks`);
    }
    await write('stdout', statusToText(found));
    return { exitCode: 0, data: found };
  },
});

class SystemPlugin extends BasePlugin {
  getMetadata(): PluginMetadata {
    return { id: 'system', version: '0.1.0', summary: 'How hosts are doing.' };
  }

  override actions(): readonly AnyAction[] {
    return [status];
  }
}

const entry: typeof SystemPlugin = pluginEntry(SystemPlugin);
export default entry;
