import { type Envelope, type Logger, MoltError, type Secret, type ServiceHealth } from '@moltbot/shared';
import { readable } from '../kept-broadcasts.ts';
import {
  type Bus,
  type BusState,
  type DeadDelivery,
  type DelayRung,
  type DeliveryHandler,
  delayRungs,
  type PublishOutcome,
  type QueueRef,
  type RecallStart,
  type Subscription,
} from '../port.ts';
import { createTally } from '../tally.ts';
import { type Channel, type Connection, type OpenChannel, openConnection } from './client.ts';
import { connectUrl } from './connect-url.ts';
import { type Consumer, type ConsumerOptions, createConsumer } from './consumer.ts';
import { createEars, type Ears } from './ears.ts';
import { type Keeper, keepOpen } from './keep-open.ts';
import { createPublisher, type Publisher } from './publisher.ts';
import { recallBroadcasts } from './recall.ts';
import { contentOf, type TakeOptions, takeDead, takeDelivery } from './take.ts';
import { createTopology, type Topology } from './topology.ts';

export interface AmqpBusOptions {
  /** `amqp://user:password@host:port/vhost`, or `amqps://`. */
  readonly url: Secret;
  /** The name of this process, for the broker's tools. */
  readonly name: string;
  readonly log: Logger;
  /** Messages a queue holds before it refuses more. Default 100 000. */
  readonly maxQueueLength?: number | undefined;
  /** How long a publication waits for its confirm before it is `unknown`, ms. Default 10 000. */
  readonly confirmTimeoutMs?: number | undefined;
  /** Lengths of the rungs, ms, where they are not those of `delayRungs`. */
  readonly delays?: Partial<Readonly<Record<DelayRung, number>>> | undefined;
}

/**
 * The bus over RabbitMQ 3.10 or later. Two connections: one to publish on, which the broker may stop reading, and one to consume on.
 * - While the link is down a publication waits 2 s for it, and is `unknown` after that.
 * - A delivery whose copy (`delay`, `dead`) is refused is held, and the copy tried again, for 60 s before it is given back.
 * - A broadcast that cannot be read is dropped.
 * @throws MOLT_BAD_CONFIG when the url cannot be used
 */
export function createAmqpBus(options: AmqpBusOptions): Bus {
  return new AmqpBus(options);
}

class AmqpBus implements Bus {
  readonly name = 'bus';
  readonly #log: Logger;
  readonly #topology: Topology;
  readonly #publishLink: Keeper<Connection>;
  readonly #consumeLink: Keeper<Connection>;
  readonly #publisher: Publisher;
  readonly #ears: Ears;
  readonly #declared = new Map<string, QueueRef>();
  readonly #consumers = new Set<Consumer>();
  readonly #channels = new Set<OpenChannel<Channel>>();
  readonly #hearers = new Set<(message: Envelope) => void>();
  readonly #inHand = createTally();
  readonly #giveUp = new AbortController();
  /** What taking a message takes. */
  readonly #tools: Pick<TakeOptions, 'topology' | 'publisher' | 'giveUp' | 'log'>;
  #stopped = false;

  constructor(options: AmqpBusOptions) {
    const { log, maxQueueLength = 100_000, confirmTimeoutMs = 10_000 } = options;
    const url = connectUrl(options.url);
    const topology = createTopology({ maxQueueLength, delays: { ...delayRungs, ...options.delays }, log });
    const connect = (purpose: string): Promise<Connection> =>
      openConnection({ url, name: `${options.name}/${purpose}`, onBlocked: () => this.#sayBlocked() });
    this.#log = log;
    this.#topology = topology;
    this.#publishLink = keepOpen({ what: 'the connection to publish on', log, open: () => connect('publish') });
    this.#consumeLink = keepOpen({
      what: 'the connection to consume on',
      log,
      open: async () => declareOn(await connect('consume'), topology),
    });
    this.#publisher = createPublisher({
      connection: this.#publishLink,
      declareAll: (connection) => this.#declareAll(connection),
      confirmTimeoutMs,
      log,
    });
    this.#tools = { topology, publisher: this.#publisher, giveUp: this.#giveUp.signal, log };
    this.#ears = createEars({
      connection: this.#consumeLink,
      topology,
      hear: (message) => this.#tellAll(message),
      log,
    });
  }

  async start(): Promise<void> {
    await Promise.all([this.#publishLink.start(), this.#consumeLink.start()]);
    const begun = this.#publisher.start();
    if (this.#publishLink.current()) await begun;
  }

  async quiesce(force: AbortSignal): Promise<void> {
    const giveUp = (): void => this.#giveUp.abort();
    force.addEventListener('abort', giveUp, { once: true });
    if (force.aborted) giveUp();
    await this.#cancelConsumers();
    await this.#inHand.idle(force);
    await this.#publisher.idle(force);
    force.removeEventListener('abort', giveUp);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#giveUp.abort();
    await this.#cancelConsumers();
    // Channels before connections, as a connection's close overtakes the acks that are still on their way.
    await Promise.all([...this.#channels].map((channel) => channel.close()));
    await Promise.all([this.#ears.stop(), this.#publisher.stop()]);
    await Promise.all([this.#publishLink.stop(), this.#consumeLink.stop()]);
  }

  state(): BusState {
    if (this.#stopped) return 'closed';
    if (this.#blocked() !== undefined) return 'blocked';
    return this.#publisher.ready() && this.#consumeLink.current() ? 'ready' : 'connecting';
  }

  health(): ServiceHealth {
    if (this.#stopped) return { ok: false, detail: 'the bus is stopped' };
    const blocked = this.#blocked();
    if (blocked !== undefined) return { ok: false, detail: `the broker takes no messages: ${blocked}` };
    const parts = [this.#publishLink, this.#consumeLink, this.#ears, ...this.#consumers];
    const trouble = parts.map((part) => part.trouble()).find((text) => text !== '');
    if (trouble !== undefined) return { ok: false, detail: `the broker cannot be used: ${trouble}` };
    return this.state() === 'ready' ? { ok: true } : { ok: false, detail: 'the bus is connecting' };
  }

  async declare(queue: QueueRef): Promise<void> {
    this.#refuseWhenStopped();
    this.#declared.set(this.#topology.queueName(queue), queue);
    const connection = this.#consumeLink.current();
    if (!connection) return;
    try {
      await this.#topology.declareQueue(connection, queue);
    } catch (err) {
      // The link broke in between: the next one declares it.
      this.#log.warn({ err, queue: this.#topology.queueName(queue) }, 'a queue could not be declared yet');
    }
  }

  async publish(
    message: Envelope,
    { queue, delay }: { readonly queue: QueueRef; readonly delay?: DelayRung },
  ): Promise<PublishOutcome> {
    if (delay === undefined) {
      return this.#publisher.publish({ ...contentOf(message), to: this.#topology.address(queue) });
    }
    const exists = await this.#queueExists(queue);
    if (exists !== true) return exists === false ? 'unroutable' : 'unknown';
    return this.#publisher.publish({ ...contentOf(message), to: this.#topology.delayed(queue, delay) });
  }

  async broadcast(message: Envelope): Promise<PublishOutcome> {
    const content = contentOf(message);
    const kept = this.#publisher.publish({ ...content, to: this.#topology.broadcasts });
    // That nobody listens is no failure; one publication to both would be `ok` with a listener and without a stream.
    await this.#publisher.publish({ ...content, to: this.#topology.control });
    return kept;
  }

  async recall(from: RecallStart, visit: (message: Envelope) => void): Promise<number> {
    const connection = this.#consumeLink.current();
    if (!connection) throw new MoltError('MOLT_BUS_DOWN', 'there is no link to read broadcasts from');
    const tools = { topology: this.#topology, publisher: this.#publisher };
    try {
      return await recallBroadcasts({ ...tools, connection, from, visit: readable(visit, this.#log) });
    } catch (err) {
      throw new MoltError('MOLT_BUS_DOWN', 'the broadcasts cannot be read', { cause: err });
    }
  }

  consume(
    queue: QueueRef,
    { prefetch }: { readonly prefetch: number },
    handler: DeliveryHandler,
  ): Promise<Subscription> {
    return this.#subscribe(() => {
      const name = this.#topology.queueName(queue);
      this.#declared.set(name, queue);
      return {
        name,
        prefetch,
        declare: (link) => this.#topology.declareQueue(link, queue),
        take: (message, back) => takeDelivery(message, { ...this.#tools, queue, handler, back }),
      };
    });
  }

  consumeDead(
    { prefetch }: { readonly prefetch: number },
    handler: (letter: DeadDelivery) => Promise<void>,
  ): Promise<Subscription> {
    return this.#subscribe(() => ({
      name: this.#topology.deadQueueName,
      prefetch,
      declare: (link) => this.#topology.declareDead(link),
      take: (message, back) => takeDead(message, { ...this.#tools, handler, back }),
    }));
  }

  async onBroadcast(handler: (message: Envelope) => void): Promise<Subscription> {
    this.#refuseWhenStopped();
    this.#hearers.add(handler);
    const opening = this.#ears.open();
    if (this.#consumeLink.current()) await opening;
    return {
      cancel: async () => {
        this.#hearers.delete(handler);
      },
    };
  }

  async #subscribe(
    wanted: () => Pick<ConsumerOptions, 'name' | 'prefetch' | 'declare' | 'take'>,
  ): Promise<Subscription> {
    this.#refuseWhenStopped();
    const consumer = createConsumer({
      ...wanted(),
      connection: this.#consumeLink,
      channels: this.#channels,
      inHand: this.#inHand,
      log: this.#log,
    });
    this.#consumers.add(consumer);
    const begun = consumer.start();
    if (this.#consumeLink.current()) await begun;
    return {
      cancel: async () => {
        this.#consumers.delete(consumer);
        await consumer.cancel();
      },
    };
  }

  #blocked(): string | undefined {
    return this.#publishLink.current()?.blocked();
  }

  #sayBlocked(): void {
    const reason = this.#blocked();
    if (reason === undefined) return void this.#log.info({}, 'the broker takes messages again');
    this.#log.warn({ reason }, 'the broker takes no messages');
    this.#publisher.refuseWaiting();
  }

  async #declareAll(connection: Connection): Promise<void> {
    await this.#topology.declareBase(connection);
    for (const queue of this.#declared.values()) await this.#topology.declareQueue(connection, queue);
  }

  /** The ladder takes any routing key, so the broker would not return a delayed message. Undefined: it cannot be learned now. */
  async #queueExists(queue: QueueRef): Promise<boolean | undefined> {
    if (this.#declared.has(this.#topology.queueName(queue))) return true;
    const connection = this.#consumeLink.current();
    return connection && this.#topology.exists(connection, queue).catch(() => undefined);
  }

  #tellAll(message: Envelope): void {
    for (const hear of this.#hearers) {
      try {
        hear(message);
      } catch (err) {
        this.#log.error({ err, messageId: message.id }, 'a handler of broadcasts threw');
      }
    }
  }

  async #cancelConsumers(): Promise<void> {
    const ending = [...this.#consumers].map((consumer) => consumer.cancel());
    this.#consumers.clear();
    await Promise.all(ending);
  }

  #refuseWhenStopped(): void {
    if (this.#stopped) throw new MoltError('MOLT_SHUTTING_DOWN', 'the bus is stopped');
  }
}

/** The connection with the exchanges that its consumers bind to; closed when they cannot be declared. */
async function declareOn(connection: Connection, topology: Topology): Promise<Connection> {
  try {
    await topology.declareBase(connection);
    return connection;
  } catch (err) {
    await connection.close();
    throw err;
  }
}
