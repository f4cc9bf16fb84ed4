import { formatDuration, type Logger, replyPlatforms, withDeadline } from '@moltbot/shared';
import { deliveryLimit } from '../delivery.ts';
import { broadcastsKeptMs, type DelayRung, type QueueRef } from '../port.ts';
import { type Channel, type Connection, isNotFound, isPreconditionFailed } from './client.ts';

// Every name and argument that the broker sees is in this file. The broker refuses to declare a queue again with
// other arguments, so a change of arguments takes a new `v`.
const prefix = 'moltbot.v1';
/** Leads to every queue, of replies too: what comes off the ladder finds its own queue by its routing key. */
const runsExchange = `${prefix}.runs`;
const deadName = `${prefix}.dead`;
const controlExchange = `${prefix}.control`;
/** A stream: it can be read again and again, and reading takes nothing away. */
const broadcastsName = `${prefix}.broadcasts`;
/** About 200,000 broadcasts, which are read in seconds. Whole segments are dropped, by age or when there are too many. */
const broadcastsArgs = {
  'x-queue-type': 'stream',
  'x-max-age': `${broadcastsKeptMs / 1_000}s`,
  'x-max-length-bytes': 64 * 1024 * 1024,
  'x-stream-max-segment-size-bytes': 4 * 1024 * 1024,
};
const declareMs = 10_000;
/** Explicit and large: RabbitMQ 4 has a limit of 20 where none is said, and nothing comes after the dead queue. */
const deadDeliveryLimit = 1_000_000;

/** Header of a copy in the dead queue: why it is there. */
export const reasonHeader = 'x-molt-reason';

/** Where a publication goes. */
export interface Address {
  readonly exchange: string;
  readonly routingKey: string;
}

export interface TopologyOptions {
  readonly maxQueueLength: number;
  /** How long each rung delays, ms. */
  readonly delays: Readonly<Record<DelayRung, number>>;
  readonly log: Logger;
}

export interface Topology {
  readonly control: Address;
  /** The stream of kept broadcasts, and the way into it. */
  readonly broadcastsName: string;
  readonly broadcasts: Address;
  queueName(queue: QueueRef): string;
  /** Straight into the queue. */
  address(queue: QueueRef): Address;
  /** Into the queue after a delay. */
  delayed(queue: QueueRef, rung: DelayRung): Address;
  readonly deadQueueName: string;
  /** Where a message of this queue goes when it cannot be handled. */
  deadAddress(from: QueueRef): Address;
  /** The queue that a routing key of a dead message leads to; undefined for a key that is not ours. */
  queueOfKey(routingKey: string): QueueRef | undefined;
  /** Declares all that does not depend on pools and tenants. */
  declareBase(connection: Connection): Promise<void>;
  declareDead(connection: Connection): Promise<void>;
  declareBroadcasts(connection: Connection): Promise<void>;
  /** Declares a queue and binds it. Keeps a queue that exists with other arguments, and says so. */
  declareQueue(connection: Connection, queue: QueueRef): Promise<void>;
  /** An exclusive queue that hears every broadcast; returns its name. It ends with the connection. */
  declareEars(channel: Channel): Promise<string>;
  exists(connection: Connection, queue: QueueRef): Promise<boolean>;
}

interface QueuePlan {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly bindings: readonly Address[];
}

export function createTopology({ maxQueueLength, delays, log }: TopologyOptions): Topology {
  // A rung's name carries its length, so that brokers never see one name with two lengths.
  const delayName = (rung: DelayRung): string => `${prefix}.delay.${formatDuration(delays[rung])}`;
  const rungs = Object.keys(delays) as readonly DelayRung[];
  const bounded = { 'x-queue-type': 'quorum', 'x-max-length': maxQueueLength, 'x-overflow': 'reject-publish' };
  // At-least-once: a message leaves its queue only when the queue it dies into has confirmed it.
  const dyingInto = (exchange: string): object => ({
    'x-dead-letter-exchange': exchange,
    'x-dead-letter-strategy': 'at-least-once',
  });

  const delayPlan = (rung: DelayRung): QueuePlan => ({
    name: delayName(rung),
    // No dead-letter routing key: the message keeps its own, which leads it back to its queue.
    args: { ...bounded, ...dyingInto(runsExchange), 'x-message-ttl': delays[rung] },
    bindings: [{ exchange: delayName(rung), routingKey: '' }],
  });
  const deadPlan: QueuePlan = {
    name: deadName,
    args: { ...bounded, 'x-delivery-limit': deadDeliveryLimit },
    bindings: [{ exchange: deadName, routingKey: '' }],
  };
  const broadcastsPlan: QueuePlan = {
    name: broadcastsName,
    args: broadcastsArgs,
    bindings: [{ exchange: broadcastsName, routingKey: '' }],
  };
  const queuePlan = (queue: QueueRef): QueuePlan => ({
    name: queueName(queue),
    args: { ...bounded, ...dyingInto(deadName), 'x-delivery-limit': deliveryLimit },
    bindings: [{ exchange: runsExchange, routingKey: routingKey(queue) }],
  });

  return {
    control: { exchange: controlExchange, routingKey: '' },
    broadcastsName,
    broadcasts: { exchange: broadcastsName, routingKey: '' },
    queueName,
    address: (queue) => ({ exchange: runsExchange, routingKey: routingKey(queue) }),
    delayed: (queue, rung) => ({ exchange: delayName(rung), routingKey: routingKey(queue) }),
    deadQueueName: deadName,
    // The broker's own dead letters keep their routing key as well, so that it always tells where a message died.
    deadAddress: (from) => ({ exchange: deadName, routingKey: routingKey(from) }),
    queueOfKey,
    declareBase: async (connection) => {
      await onChannel(connection, async (channel) => {
        await channel.assertExchange(runsExchange, 'direct');
        for (const name of [deadName, controlExchange, broadcastsName, ...rungs.map(delayName)]) {
          await channel.assertExchange(name, 'fanout');
        }
      });
      for (const plan of [deadPlan, broadcastsPlan, ...rungs.map(delayPlan)]) await declare(connection, plan, log);
    },
    declareDead: (connection) => declare(connection, deadPlan, log),
    declareBroadcasts: (connection) => declare(connection, broadcastsPlan, log),
    declareQueue: (connection, queue) => declare(connection, queuePlan(queue), log),
    declareEars: async (channel) => {
      const { queue } = await channel.assertQueue('', {
        exclusive: true,
        durable: false,
        arguments: { 'x-max-length': 10_000 },
      });
      await channel.bindQueue(queue, controlExchange, '');
      return queue;
    },
    exists: (connection, queue) => exists(connection, queueName(queue)),
  };
}

// A key of runs has three words at least, and ends in a priority: the two kinds cannot meet.
const routingKey = (queue: QueueRef): string =>
  queue.kind === 'runs' ? `${queue.pool}.${queue.tenant}.${queue.priority}` : `replies.${queue.platform}`;

const queueName = (queue: QueueRef): string =>
  queue.kind === 'runs' ? `${runsExchange}.${routingKey(queue)}` : `${prefix}.${routingKey(queue)}`;

function queueOfKey(key: string): QueueRef | undefined {
  const replies = replyPlatforms.find((platform) => key === `replies.${platform}`);
  if (replies) return { kind: 'replies', platform: replies };
  // The name of a pool may hold dots, the others may not.
  const [, pool, tenant, priority] = /^(.+)\.([^.]+)\.(interactive|batch)$/.exec(key) ?? [];
  if (!pool || !tenant || (priority !== 'interactive' && priority !== 'batch')) return undefined;
  return { kind: 'runs', pool, tenant, priority };
}

async function declare(connection: Connection, plan: QueuePlan, log: Logger): Promise<void> {
  try {
    await onChannel(connection, (channel) => channel.assertQueue(plan.name, { arguments: plan.args }));
  } catch (err) {
    if (!isPreconditionFailed(err)) throw err;
    // A changed limit must not stop the service: what is queued is worth more than the new limit.
    log.warn(
      { queue: plan.name, err },
      'the queue exists with other arguments and is kept; delete it when it is empty to have them applied',
    );
  }
  await onChannel(connection, async (channel) => {
    for (const { exchange, routingKey: key } of plan.bindings) await channel.bindQueue(plan.name, exchange, key);
  });
}

async function exists(connection: Connection, name: string): Promise<boolean> {
  try {
    await onChannel(connection, (channel) => channel.checkQueue(name));
    return true;
  } catch (err) {
    if (isNotFound(err)) return false;
    throw err;
  }
}

/** Runs `work` on a channel of its own: a refused declaration closes its channel, and must close no other. */
async function onChannel(connection: Connection, work: (channel: Channel) => Promise<unknown>): Promise<void> {
  await withDeadline({ ms: declareMs, what: 'a declaration' }, async () => {
    const channel = await connection.openChannel();
    try {
      await work(channel.raw);
    } finally {
      await channel.close();
    }
  });
}
