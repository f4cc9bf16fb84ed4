import type { OutputSlice, OutputStream, Store, TaskEvent } from '../port.ts';
import type { RedisClient } from './client.ts';
import { keys } from './keys.ts';
import { runScripts } from './lua/run-scripts.ts';

type OutputCalls = Pick<Store, 'readOutput' | 'tailOutput' | 'readEvents'>;

export function createOutputCalls(client: RedisClient): OutputCalls {
  return {
    readOutput: (tenant, runId, stream, from, maxBytes) =>
      read(client, { tenant, runId, stream, from: Math.max(0, from), maxBytes }),
    tailOutput: (tenant, runId, stream, maxBytes) => read(client, { tenant, runId, stream, from: -maxBytes, maxBytes }),
    async readEvents(tenant, taskId, after, limit) {
      const range = [`(${after}-0`, '+', 'COUNT', limit];
      const entries = await client.command('XRANGE', keys.events(tenant, taskId), ...range);
      return (entries as [string, [string, string]][]).map(
        ([id, [, event]]): TaskEvent => ({
          seq: Number.parseInt(id, 10),
          ...JSON.parse(event),
        }),
      );
    },
  };
}

interface Range {
  readonly tenant: string;
  readonly runId: string;
  readonly stream: OutputStream;
  /** Negative: from the end. */
  readonly from: number;
  readonly maxBytes: number;
}

async function read(
  client: RedisClient,
  { tenant, runId, stream, from, maxBytes }: Range,
): Promise<OutputSlice | undefined> {
  const names = [keys.run(tenant, runId), keys.output(tenant, runId, stream)];
  const reply = await client.runBuffer(runScripts.read, names, [stream, from, maxBytes]);
  const found = reply as readonly [] | readonly [number, number, Buffer];
  if (found.length === 0) return undefined;
  const [total, offset, data] = found;
  // Nothing where something was: the output is past its retention, and a reader that goes on has reached the end.
  const forgotten = data.length === 0 && maxBytes > 0;
  return { data, offset: forgotten ? total : offset, total };
}
