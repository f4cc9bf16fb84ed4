import { newId, withDeadline } from '@moltbot/shared';
import type { Channel, Connection, ConsumeMessage } from './client.ts';
import type { Publisher } from './publisher.ts';
import type { Topology } from './topology.ts';

export interface RecallOptions {
  readonly connection: Connection;
  readonly topology: Topology;
  readonly publisher: Publisher;
  /** Epoch ms. */
  readonly since: number;
}

const deadlineMs = 30_000;
/** What is handed out at a time: a stream gives nothing without a limit. */
const unackedAtMost = 500;
const markType = 'mark';

/**
 * Reads the stream of broadcasts from a time to its end. A stream does not say where its end is, so a mark is published into it
 * while it is being read: what was there before comes before the mark. (https://www.rabbitmq.com/docs/streams#consuming)
 * @throws when the link, the stream or the time (30 s) ends first
 */
export async function recallBroadcasts(options: RecallOptions): Promise<readonly Buffer[]> {
  return withDeadline({ ms: deadlineMs, what: 'reading what was broadcast' }, async (signal) => {
    const channel = await options.connection.openChannel();
    signal.addEventListener('abort', () => void channel.close(), { once: true });
    const ended = channel.closed.then((reason) => Promise.reject(new Error(reason)));
    try {
      return await Promise.race([readToMark(channel.raw, options), ended]);
    } finally {
      await channel.close();
    }
  });
}

async function readToMark(channel: Channel, { topology, publisher, since }: RecallOptions): Promise<readonly Buffer[]> {
  const mark = newId();
  const found: Buffer[] = [];
  const marked = Promise.withResolvers<void>();
  const receive = (raw: ConsumeMessage | null): void => {
    // The broker ended the reading: the queue is gone.
    if (!raw) return void channel.close();
    channel.ack(raw);
    if (raw.properties.messageId === mark) marked.resolve();
    else if (raw.properties.type !== markType) found.push(raw.content);
  };
  await channel.prefetch(unackedAtMost);
  const from = { '!': 'timestamp', value: Math.floor(since / 1_000) };
  await channel.consume(topology.broadcastsName, receive, { arguments: { 'x-stream-offset': from } });
  const end = { to: topology.broadcastMarks, id: mark, type: markType, bytes: Buffer.alloc(0) };
  const outcome = await publisher.publish(end);
  if (outcome !== 'ok') throw new Error(`the end of the broadcasts cannot be marked: ${outcome}`);
  await marked.promise;
  return found;
}
