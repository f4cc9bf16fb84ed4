import { formatDuration, type Logger, withDeadline } from '@moltbot/shared';
import { deliveryLimit } from '../delivery.ts';
import type { DelayRung, QueueRef, RunQueueRef } from '../port.ts';
import { type Channel, type Connection, isNotFound, isPreconditionFailed } from './client.ts';

// Every name and argument that the broker sees is in this file. The broker refuses to declare a queue again with
// other arguments, so a change of arguments takes a new `v`.
const prefix = 'moltbot.v1';
const runsExchange = `${prefix}.runs`;
const deadName = `${prefix}.dead`;
/** What even the reader of the dead queue could not take; people look at it, nothing consumes it. */
const parkedName = `${prefix}.parked`;
const deadKey = 'dead';
const declareMs = 10_000;
const controlExchange = `${prefix}.control`;

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
  queueName(queue: QueueRef): string;
  /** Straight into the queue. */
  address(queue: QueueRef): Address;
  /** Into the queue after a delay. */
  delayed(queue: QueueRef, rung: DelayRung): Address;
  /** Where a message of this queue goes when it cannot be handled. */
  deadAddress(from: QueueRef): Address;
  /** Declares all that does not depend on pools and tenants. */
  declareBase(connection: Connection): Promise<void>;
  /** Declares a queue of runs and binds it. Keeps a queue that exists with other arguments, and says so. */
  declareRuns(connection: Connection, queue: RunQueueRef): Promise<void>;
  /** An exclusive queue that hears every broadcast; returns its name. It ends with the connection. */
  declareEars(channel: Channel): Promise<string>;
  exists(connection: Connection, queue: RunQueueRef): Promise<boolean>;
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
    args: { ...bounded, ...dyingInto(parkedName), 'x-delivery-limit': 1_000 },
    bindings: [
      { exchange: deadName, routingKey: '' },
      { exchange: runsExchange, routingKey: deadKey },
    ],
  };
  const parkedPlan: QueuePlan = {
    name: parkedName,
    // Explicit, as RabbitMQ 4 drops a message of a queue without a limit after 20 looks at it.
    args: { ...bounded, 'x-delivery-limit': 1_000_000 },
    bindings: [{ exchange: parkedName, routingKey: '' }],
  };
  const runsPlan = (queue: RunQueueRef): QueuePlan => ({
    name: queueName(queue),
    args: { ...bounded, ...dyingInto(deadName), 'x-delivery-limit': deliveryLimit },
    bindings: [{ exchange: runsExchange, routingKey: routingKey(queue) }],
  });

  return {
    control: { exchange: controlExchange, routingKey: '' },
    queueName,
    address: (queue) => ({ exchange: runsExchange, routingKey: routingKey(queue) }),
    delayed: (queue, rung) => ({ exchange: delayName(rung), routingKey: routingKey(queue) }),
    deadAddress: (from) => ({ exchange: from.kind === 'dead' ? parkedName : deadName, routingKey: '' }),
    declareBase: async (connection) => {
      await onChannel(connection, async (channel) => {
        await channel.assertExchange(runsExchange, 'direct');
        for (const name of [deadName, parkedName, controlExchange, ...rungs.map(delayName)]) {
          await channel.assertExchange(name, 'fanout');
        }
      });
      for (const plan of [parkedPlan, deadPlan, ...rungs.map(delayPlan)]) await declare(connection, plan, log);
    },
    declareRuns: (connection, queue) => declare(connection, runsPlan(queue), log),
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

const routingKey = (queue: QueueRef): string =>
  queue.kind === 'dead' ? deadKey : `${queue.pool}.${queue.tenant}.${queue.priority}`;

const queueName = (queue: QueueRef): string =>
  queue.kind === 'dead' ? deadName : `${runsExchange}.${routingKey(queue)}`;

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
