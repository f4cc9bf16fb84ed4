import { MoltError, newId } from '@moltbot/shared';
import type { RecallStart } from '../port.ts';
import type { Channel, Connection, ConsumeMessage, OpenChannel } from './client.ts';
import type { Publisher } from './publisher.ts';
import type { Topology } from './topology.ts';

export interface RecallOptions {
  readonly connection: Connection;
  readonly topology: Topology;
  readonly publisher: Publisher;
  readonly from: RecallStart;
  readonly visit: (content: Buffer) => void;
}

/** A reading that makes no step for so long has failed. However much there is to read, each message is a step. */
const silenceMs = 20_000;
/** What is handed out at a time: a stream gives nothing without a limit. */
const unackedAtMost = 500;
const markType = 'mark';

/**
 * Reads the stream of broadcasts to its end, and returns the offset of that. A stream does not say where its end is, so a mark is
 * published into it while it is being read: what was there before comes before the mark. (https://www.rabbitmq.com/docs/streams#consuming)
 * @throws when the link or the stream ends first, or nothing happens for 20 s
 */
export async function recallBroadcasts(options: RecallOptions): Promise<number> {
  const silence = watchSilence();
  const read = async (): Promise<number> => {
    // It may be gone, as any queue may.
    await options.topology.declareBroadcasts(options.connection);
    const channel = await options.connection.openChannel();
    const ended = channel.closed.then((reason) => Promise.reject(new Error(reason)));
    try {
      return await Promise.race([readToMark(channel, options, silence.broken), ended, silence.tooLong]);
    } finally {
      await channel.close();
    }
  };
  try {
    return await Promise.race([read(), silence.tooLong]);
  } finally {
    silence.stop();
  }
}

async function readToMark(
  channel: OpenChannel<Channel>,
  { topology, publisher, from, visit }: RecallOptions,
  onStep: () => void,
): Promise<number> {
  const mark = newId();
  const marked = Promise.withResolvers<number>();
  const receive = (raw: ConsumeMessage | null): void => {
    // The broker ended the reading: the queue is gone.
    if (!raw) return void channel.close();
    if (!channel.isOpen()) return;
    onStep();
    channel.raw.ack(raw);
    const { messageId, type, headers } = raw.properties;
    if (messageId === mark) marked.resolve(Number(headers?.['x-stream-offset']));
    else if (type !== markType) visit(raw.content);
  };
  await channel.raw.prefetch(unackedAtMost);
  await channel.raw.consume(topology.broadcastsName, receive, { arguments: { 'x-stream-offset': offsetOf(from) } });
  const outcome = await publisher.publish({
    to: topology.broadcasts,
    id: mark,
    type: markType,
    bytes: Buffer.alloc(0),
  });
  if (outcome !== 'ok') throw new Error(`the end of the broadcasts cannot be marked: ${outcome}`);
  return marked.promise;
}

const offsetOf = (from: RecallStart): unknown =>
  'after' in from ? from.after + 1 : { '!': 'timestamp', value: Math.max(0, Math.floor(from.since / 1_000)) };

function watchSilence() {
  const { promise: tooLong, reject } = Promise.withResolvers<never>();
  tooLong.catch(() => {});
  const error = new MoltError('MOLT_DEADLINE', `reading what was broadcast made no step for ${silenceMs} ms`);
  const timer = setTimeout(() => reject(error), silenceMs);
  return { tooLong, broken: () => void timer.refresh(), stop: () => clearTimeout(timer) };
}
