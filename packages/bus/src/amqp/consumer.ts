import type { Logger } from '@moltbot/shared';
import type { SettleOutcome } from '../port.ts';
import type { Tally } from '../tally.ts';
import { type Channel, type Connection, type ConsumeMessage, endsInTime, type OpenChannel } from './client.ts';
import { type Keeper, keepOpen, type Session } from './keep-open.ts';

/** Consumes one queue for as long as it is wanted, across links, channels and queues that end. */
export interface Consumer {
  /** Resolves when it consumes, or when the first try has failed. */
  start(): Promise<void>;
  /** Why nothing is consumed; '' while it is. */
  trouble(): string;
  /** Takes no more; what was handed out can still be settled. */
  cancel(): Promise<void>;
}

/** The way back to the broker, of one message. */
export interface WayBack {
  /** False when the broker has taken the message back. */
  isOpen(): boolean;
  /** Says what became of the message, once; `stale` when its channel is gone. */
  tell(send: (channel: Channel) => void): SettleOutcome;
}

export interface ConsumerOptions {
  /** Of the queue. */
  readonly name: string;
  readonly prefetch: number;
  /** Called before each consumption: the queue may be gone. */
  readonly declare: (connection: Connection) => Promise<void>;
  readonly take: (message: ConsumeMessage, back: WayBack) => void;
  readonly connection: Keeper<Connection>;
  /** The channels that are open: one outlives its consumer until the last delivery is settled. */
  readonly channels: Set<OpenChannel<Channel>>;
  /** Counts what is handed out and not settled. */
  readonly inHand: Tally;
  readonly log: Logger;
}

export function createConsumer(options: ConsumerOptions): Consumer {
  const { name, declare, connection, log } = options;
  const keeper = keepOpen({
    what: `the consumer of ${name}`,
    log,
    open: async (signal) => {
      const link = await connection.next(signal);
      await declare(link);
      return openSession(await link.openChannel(), options);
    },
  });
  return {
    start: () => keeper.start(),
    trouble: () => keeper.trouble(),
    cancel: () => keeper.stop(),
  };
}

/** One consumer on one channel. `close` ends the consumer; the channel stays until the last delivery is settled. */
async function openSession(channel: OpenChannel<Channel>, options: ConsumerOptions): Promise<Session> {
  const { name, prefetch, take, channels, inHand } = options;
  const ended = Promise.withResolvers<string>();
  let taking = true;
  let unsettled = 0;

  const back: WayBack = {
    isOpen: () => channel.isOpen(),
    tell: (send) => {
      if (!channel.isOpen()) return 'stale';
      unsettled -= 1;
      inHand.remove();
      try {
        send(channel.raw);
        return 'ok';
      } catch {
        return 'stale';
      } finally {
        if (!taking && unsettled === 0) void channel.close();
      }
    },
  };
  const receive = (message: ConsumeMessage | null): void => {
    if (message === null) {
      ended.resolve('the broker ended the consumer');
      // Closing gives back what was handed out: its acks would lead nowhere.
      return void channel.close();
    }
    if (!taking) return void channel.raw.nack(message, false, true);
    unsettled += 1;
    inHand.add();
    take(message, back);
  };

  channels.add(channel);
  void channel.closed.then((reason) => {
    channels.delete(channel);
    inHand.remove(unsettled);
    ended.resolve(reason);
  });
  try {
    await channel.raw.prefetch(prefetch);
    const { consumerTag } = await channel.raw.consume(name, receive);
    return {
      closed: ended.promise,
      close: async () => {
        taking = false;
        if (!channel.isOpen()) return;
        const cancelled = await endsInTime(() => channel.raw.cancel(consumerTag));
        if (!cancelled || unsettled === 0) await channel.close();
      },
    };
  } catch (err) {
    await channel.close();
    throw err;
  }
}
