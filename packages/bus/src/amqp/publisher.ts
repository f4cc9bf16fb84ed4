import type { Logger } from '@moltbot/shared';
import type { PublishOutcome } from '../port.ts';
import { createTally } from '../tally.ts';
import { type ConfirmChannel, type Connection, isNack, type OpenChannel } from './client.ts';
import { type Keeper, keepOpen } from './keep-open.ts';
import type { Address } from './topology.ts';

/** One message on its way to one address. */
export interface Publication {
  readonly to: Address;
  readonly id: string;
  /** The kind of the message, for people who look into a queue. */
  readonly type: string;
  readonly bytes: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Publishes with confirms, in the order of the calls. */
export interface Publisher {
  start(): Promise<void>;
  /** Never rejects. */
  publish(publication: Publication): Promise<PublishOutcome>;
  /** Resolves when every publication has its outcome, or when `force` aborts. */
  idle(force: AbortSignal): Promise<void>;
  ready(): boolean;
  /** Refuses what waits: call it when the broker has stopped reading. */
  refuseWaiting(): void;
  /** Closes the channel; what is not confirmed is `unknown`. */
  stop(): Promise<void>;
}

export interface PublisherOptions {
  readonly connection: Keeper<Connection>;
  /** Called before each channel is used: the last one may have ended because an exchange was deleted. */
  readonly declareAll: (connection: Connection) => Promise<void>;
  readonly confirmTimeoutMs: number;
  readonly log: Logger;
}

/** Unconfirmed at a time: beyond some hundreds more in flight adds latency, not throughput. */
const maxUnconfirmed = 1_000;
const maxWaiting = 10_000;
/** How long a publication waits for a link that is down. */
const linkWaitMs = 2_000;
const sweepMs = 250;

interface Job {
  readonly publication: Publication;
  readonly resolve: (outcome: PublishOutcome) => void;
  /** When it began to wait, or was sent; monotonic ms. */
  since: number;
  returned: boolean;
}

export function createPublisher(options: PublisherOptions): Publisher {
  return new ConfirmingPublisher(options);
}

class ConfirmingPublisher implements Publisher {
  readonly #connection: Keeper<Connection>;
  readonly #confirmTimeoutMs: number;
  readonly #keeper: Keeper<OpenChannel<ConfirmChannel>>;
  // Both in order of age, so that the sweep looks at the heads only.
  readonly #waiting = new Set<Job>();
  readonly #unconfirmed = new Map<number, Job>();
  readonly #inHand = createTally();
  #lastNumber = 0;
  #channel: OpenChannel<ConfirmChannel> | undefined;
  #bufferFull = false;
  #timedOut = 0;
  #stopped = false;
  #sweeper: NodeJS.Timeout | undefined;

  constructor({ connection, declareAll, confirmTimeoutMs, log }: PublisherOptions) {
    this.#connection = connection;
    this.#confirmTimeoutMs = confirmTimeoutMs;
    this.#keeper = keepOpen({
      what: 'the channel for publishing',
      log,
      open: async (signal) => {
        const link = await connection.next(signal);
        await declareAll(link);
        return link.openConfirmChannel();
      },
      onOpen: (channel) => this.#use(channel),
    });
  }

  start(): Promise<void> {
    return this.#keeper.start();
  }

  ready(): boolean {
    return this.#channel?.isOpen() === true;
  }

  idle(force: AbortSignal): Promise<void> {
    return this.#inHand.idle(force);
  }

  publish(publication: Publication): Promise<PublishOutcome> {
    if (this.#stopped) return Promise.resolve('unknown');
    const blocked = this.#connection.current()?.blocked() !== undefined;
    if (blocked || this.#waiting.size >= maxWaiting) return Promise.resolve('nacked');
    return new Promise((resolve) => {
      const job = { publication, resolve, since: performance.now(), returned: false };
      this.#inHand.add();
      // Nobody overtakes those that wait.
      if (this.#waiting.size === 0 && this.#hasRoom()) this.#send(job);
      else this.#waiting.add(job);
      this.#armSweeper();
    });
  }

  refuseWaiting(): void {
    for (const job of this.#waiting) this.#settle(job, 'nacked');
    this.#waiting.clear();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#keeper.stop();
    clearTimeout(this.#sweeper);
    for (const job of [...this.#waiting, ...this.#unconfirmed.values()]) this.#settle(job, 'unknown');
    this.#waiting.clear();
    this.#unconfirmed.clear();
  }

  #use(channel: OpenChannel<ConfirmChannel>): void {
    this.#channel = channel;
    this.#bufferFull = false;
    this.#timedOut = 0;
    channel.raw.on('drain', () => {
      this.#bufferFull = false;
      this.#pump();
    });
    // Arrives before the confirm of the same message.
    channel.raw.on('return', ({ properties }) => {
      const job = this.#unconfirmed.get(Number(properties.correlationId));
      if (job) job.returned = true;
    });
    this.#pump();
  }

  #hasRoom(): boolean {
    return this.ready() && !this.#bufferFull && this.#unconfirmed.size < maxUnconfirmed;
  }

  #pump(): void {
    for (const job of this.#waiting) {
      if (!this.#hasRoom()) return;
      this.#waiting.delete(job);
      this.#send(job);
    }
  }

  #send(job: Job): void {
    const { to, bytes } = job.publication;
    this.#lastNumber += 1;
    const number = this.#lastNumber;
    job.since = performance.now();
    this.#unconfirmed.set(number, job);
    try {
      const properties = propertiesOf(job.publication, number);
      const confirm = (err: unknown): void => this.#confirm(number, err ? outcomeOf(err) : 'ok');
      this.#bufferFull = this.#channel?.raw.publish(to.exchange, to.routingKey, bytes, properties, confirm) === false;
    } catch {
      // The channel began to close in this very turn; nothing was written.
      this.#unconfirmed.delete(number);
      this.#settle(job, 'unknown');
    }
  }

  #confirm(number: number, outcome: PublishOutcome): void {
    const job = this.#unconfirmed.get(number);
    if (!job) return;
    this.#unconfirmed.delete(number);
    this.#settle(job, outcome === 'ok' && job.returned ? 'unroutable' : outcome);
    if (this.#waiting.size > 0) this.#pump();
  }

  #settle(job: Job, outcome: PublishOutcome): void {
    job.resolve(outcome);
    this.#inHand.remove();
  }

  /** One timer for all deadlines. */
  #sweep(): void {
    this.#sweeper = undefined;
    const now = performance.now();
    const patience = this.ready() ? this.#confirmTimeoutMs : linkWaitMs;
    for (const job of this.#waiting) {
      if (now - job.since < patience) break;
      this.#waiting.delete(job);
      this.#settle(job, 'unknown');
    }
    for (const [number, job] of this.#unconfirmed) {
      if (now - job.since < this.#confirmTimeoutMs) break;
      this.#timedOut += 1;
      this.#confirm(number, 'unknown');
    }
    // The library keeps a record for each confirm that has not come: begin anew before they pile up.
    if (this.#timedOut >= maxUnconfirmed) void this.#channel?.close();
    this.#armSweeper();
  }

  #armSweeper(): void {
    if (this.#waiting.size + this.#unconfirmed.size === 0) return;
    this.#sweeper ??= setTimeout(() => this.#sweep(), sweepMs).unref();
  }
}

const outcomeOf = (err: unknown): PublishOutcome => (isNack(err) ? 'nacked' : 'unknown');

const propertiesOf = ({ id, type, headers }: Publication, number: number): object => ({
  persistent: true,
  mandatory: true,
  messageId: id,
  // Tells which publication a return belongs to, also when one message is published twice at a time.
  correlationId: String(number),
  type,
  contentType: 'application/json',
  ...(headers ? { headers } : {}),
});
