import { decodeEnvelope, type Envelope, type Logger } from '@moltbot/shared';
import type { Connection, ConsumeMessage } from './client.ts';
import { type Keeper, keepOpen, type Session } from './keep-open.ts';
import type { Topology } from './topology.ts';

/** Hears every broadcast, on one queue that the process has for itself. */
export interface Ears {
  /** Opens the queue at the first call. Resolves when it hears, or when the first try has failed. */
  open(): Promise<void>;
  /** Why nothing is heard; '' while it is, or when nobody listens. */
  trouble(): string;
  stop(): Promise<void>;
}

export interface EarsOptions {
  readonly connection: Keeper<Connection>;
  readonly topology: Topology;
  readonly hear: (message: Envelope) => void;
  readonly log: Logger;
}

export function createEars({ connection, topology, hear, log }: EarsOptions): Ears {
  let opening: Promise<void> | undefined;

  const receive = (raw: ConsumeMessage): void => {
    try {
      hear(decodeEnvelope(raw.content));
    } catch (err) {
      log.error({ err }, 'a broadcast cannot be read; it is dropped');
    }
  };
  const keeper = keepOpen({
    what: 'the queue for broadcasts',
    log,
    open: async (signal) => listen(await connection.next(signal), topology, receive),
  });
  return {
    open: () => (opening ??= keeper.start()),
    trouble: () => (opening ? keeper.trouble() : ''),
    stop: () => keeper.stop(),
  };
}

async function listen(
  connection: Connection,
  topology: Topology,
  receive: (raw: ConsumeMessage) => void,
): Promise<Session> {
  const channel = await connection.openChannel();
  try {
    const queue = await topology.declareEars(channel.raw);
    // Without acks: a broadcast is lost with its hearer anyway.
    await channel.raw.consume(queue, (raw) => (raw ? receive(raw) : void channel.close()), { noAck: true });
    return channel;
  } catch (err) {
    await channel.close();
    throw err;
  }
}
