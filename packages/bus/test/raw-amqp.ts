import { type Channel, connect } from 'amqplib';

/** Does something on a plain channel, past everything of ours. */
export async function onRawChannel<T>(url: string, work: (channel: Channel) => Promise<T>): Promise<T> {
  const connection = await connect(url);
  connection.on('error', () => {});
  try {
    const channel = await connection.createChannel();
    channel.on('error', () => {});
    return await work(channel);
  } finally {
    await connection.close().catch(() => {});
  }
}

/** Takes every message out of a queue. */
export const drain = (url: string, queue: string): Promise<readonly Buffer[]> =>
  onRawChannel(url, async (channel) => {
    const bodies: Buffer[] = [];
    for (let got = await channel.get(queue); got; got = await channel.get(queue)) {
      bodies.push(got.content);
      channel.ack(got);
    }
    // Acks have no answer: a call that has one comes after them.
    await channel.checkQueue(queue);
    return bodies;
  });
