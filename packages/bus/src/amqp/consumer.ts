import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs, decodeEnvelope, type Envelope, type Logger } from '@moltbot/shared';
import { decideOnce, handOut, type Settlement, unreadableReason } from '../delivery.ts';
import type { DeliveryHandler, QueueRef, SettleOutcome } from '../port.ts';
import type { Tally } from '../tally.ts';
import { type Channel, type Connection, type ConsumeMessage, endsInTime, type OpenChannel } from './client.ts';
import { type Keeper, keepOpen, type Session } from './keep-open.ts';
import type { Publication, Publisher } from './publisher.ts';
import { reasonHeader, type Topology } from './topology.ts';

/** Consumes one queue for as long as it is wanted, across links, channels and queues that end. */
export interface Consumer {
  /** Resolves when it consumes, or when the first try has failed. */
  start(): Promise<void>;
  /** Why nothing is consumed; '' while it is. */
  trouble(): string;
  /** Takes no more; what was handed out can still be settled. */
  cancel(): Promise<void>;
}

export interface ConsumerOptions {
  readonly queue: QueueRef;
  readonly prefetch: number;
  readonly handler: DeliveryHandler;
  readonly connection: Keeper<Connection>;
  readonly publisher: Publisher;
  readonly topology: Topology;
  /** The channels that are open: one outlives its consumer until the last delivery is settled. */
  readonly channels: Set<OpenChannel<Channel>>;
  /** Counts what is handed out and not settled. */
  readonly inHand: Tally;
  /** Ends the tries to keep a copy: what is being copied is given back. */
  readonly giveUp: AbortSignal;
  readonly log: Logger;
}

/** How long a delivery is held while its copy cannot be kept; giving it back at once would burn its delivery limit. */
const copyPatienceMs = 60_000;

export function createConsumer(options: ConsumerOptions): Consumer {
  const { queue, connection, topology, log } = options;
  const name = topology.queueName(queue);

  const keeper = keepOpen({
    what: `the consumer of ${name}`,
    log,
    open: async (signal) => {
      const link = await connection.next(signal);
      if (queue.kind === 'runs') await topology.declareRuns(link, queue);
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
  const { prefetch, channels, inHand, topology, queue } = options;
  const ended = Promise.withResolvers<string>();
  let taking = true;
  let unsettled = 0;

  /** Says to the broker what became of a message; `stale` when its channel is gone. */
  const tell = (send: () => void): SettleOutcome => {
    if (!channel.isOpen()) return 'stale';
    unsettled -= 1;
    inHand.remove();
    try {
      send();
      return 'ok';
    } catch {
      return 'stale';
    } finally {
      if (!taking && unsettled === 0) void channel.close();
    }
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
    take(message, { ...options, channel, tell });
  };

  channels.add(channel);
  void channel.closed.then((reason) => {
    channels.delete(channel);
    inHand.remove(unsettled);
    ended.resolve(reason);
  });
  try {
    await channel.raw.prefetch(prefetch);
    const { consumerTag } = await channel.raw.consume(topology.queueName(queue), receive);
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

interface Taken extends ConsumerOptions {
  readonly channel: OpenChannel<Channel>;
  readonly tell: (send: () => void) => SettleOutcome;
}

function take(raw: ConsumeMessage, taken: Taken): void {
  const settlement = settlementOf(raw, taken);
  let message: Envelope;
  try {
    message = decodeEnvelope(raw.content);
  } catch (err) {
    taken.log.error(
      { err, messageId: raw.properties.messageId },
      'a message cannot be read; it goes to the dead queue',
    );
    void settlement.dead(unreadableReason(err));
    return;
  }
  const previousDeliveries = Number(raw.properties.headers?.['x-delivery-count'] ?? 0);
  const redelivered = raw.fields.redelivered || previousDeliveries > 0;
  const reason = taken.queue.kind === 'dead' ? reasonOf(raw) : undefined;
  const delivery = decideOnce({ message, redelivered, previousDeliveries, reason }, settlement);
  void handOut(taken.handler, delivery, taken.log);
}

function settlementOf(raw: ConsumeMessage, taken: Taken): Settlement {
  const { queue, topology, channel, tell } = taken;
  const ack = (): SettleOutcome => tell(() => channel.raw.ack(raw));
  const requeue = (): SettleOutcome => tell(() => channel.raw.nack(raw, false, true));
  const copyTo = async (to: Publication['to'], reason: string | undefined): Promise<SettleOutcome> => {
    const { messageId = '', type = '' } = raw.properties;
    const headers = reason === undefined ? {} : { [reasonHeader]: reason };
    const kept = await keepCopy({ to, id: messageId, type, bytes: raw.content, headers }, taken);
    return kept ? ack() : requeue();
  };
  return {
    ack: async () => ack(),
    requeue: async () => requeue(),
    delay: (rung) => copyTo(topology.delayed(queue, rung), queue.kind === 'dead' ? reasonOf(raw) : undefined),
    dead: (reason) => copyTo(topology.deadAddress(queue), reason),
  };
}

/** Publishes a copy until the broker keeps it; false when patience, the delivery, or the service ended first. */
async function keepCopy(copy: Publication, { publisher, channel, giveUp, log }: Taken): Promise<boolean> {
  const end = performance.now() + copyPatienceMs;
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await publisher.publish(copy);
    if (outcome === 'ok') return true;
    if (attempt === 1) {
      log.warn({ messageId: copy.id, exchange: copy.to.exchange, outcome }, 'a copy is not kept; trying again');
    }
    if (!channel.isOpen() || giveUp.aborted || performance.now() > end) return false;
    await delay(backoffMs(attempt, { baseMs: 200 }), undefined, { signal: giveUp }).catch(() => {});
  }
}

/** Ours, or the broker's own (`delivery_limit`). */
function reasonOf({ properties: { headers } }: ConsumeMessage): string {
  const own: unknown = headers?.[reasonHeader];
  return typeof own === 'string' ? own : (headers?.['x-death']?.[0]?.reason ?? 'unknown');
}
