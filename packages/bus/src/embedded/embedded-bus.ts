import {
  type Clock,
  decodeEnvelope,
  type Envelope,
  encodeEnvelope,
  type Logger,
  type MessageJournal,
  MoltError,
  type ServiceHealth,
  systemClock,
} from '@moltbot/shared';
import { deadPauseMs, decideDeadOnce, deliveryLimit, handOutDead } from '../delivery.ts';
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
import { createTally, type Tally } from '../tally.ts';
import { createEmbeddedQueue, type EmbeddedQueue } from './embedded-queue.ts';
import { keepBroadcast, readBroadcasts } from './journal-broadcasts.ts';
import { deadFacts, deathNote, take } from './take.ts';

export interface EmbeddedBusOptions {
  /** Where the messages are kept; used from `start` to `stop`. */
  readonly journal: MessageJournal;
  readonly log: Logger;
  /** Default: the system's. */
  readonly clock?: Clock | undefined;
  /** Messages a queue of runs holds before it refuses more. Default 100 000. */
  readonly maxQueueLength?: number | undefined;
  /** Lengths of the rungs, ms, where they are not those of `delayRungs`. */
  readonly delays?: Partial<Readonly<Record<DelayRung, number>>> | undefined;
}

const lastWritesMs = 5_000;

// The names of the queues in the journal.
const deadName = 'dead';
const queueName = (queue: QueueRef): string =>
  queue.kind === 'runs' ? `runs.${queue.pool}.${queue.tenant}.${queue.priority}` : `replies.${queue.platform}`;

/**
 * The bus inside one process. What it has said `ok` to is in the journal, and is delivered again by the next process.
 * A journal that fails makes a publication `nacked` or `unknown`, and a settlement `stale`: the message comes again.
 * A broadcast reaches the handlers of this process in a later turn.
 */
export function createEmbeddedBus(options: EmbeddedBusOptions): Bus {
  return new EmbeddedBus(options);
}

class EmbeddedBus implements Bus {
  readonly name = 'bus';
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #delays: Readonly<Record<DelayRung, number>>;
  readonly #journal: MessageJournal;
  readonly #makeQueue: (ref: QueueRef) => EmbeddedQueue;
  readonly #dead: EmbeddedQueue;
  readonly #queues = new Map<string, EmbeddedQueue>();
  readonly #cancels = new Set<() => void>();
  readonly #hearers = new Set<(message: Envelope) => void>();
  readonly #writes = createTally();
  readonly #inHand = createTally();
  readonly #stopping = new AbortController();
  #state: BusState = 'connecting';

  constructor(options: EmbeddedBusOptions) {
    const { log, clock = systemClock, maxQueueLength: maxLength = 100_000 } = options;
    this.#log = log;
    this.#clock = clock;
    this.#delays = { ...delayRungs, ...options.delays };
    this.#journal = countWrites(options.journal, this.#writes);
    const common = {
      ...{ journal: this.#journal, clock, delays: this.#delays, inHand: this.#inHand, log },
      stopping: this.#stopping.signal,
      running: () => this.#state === 'ready',
    };
    this.#dead = createEmbeddedQueue({
      ...common,
      ...{ name: deadName, maxLength: Number.POSITIVE_INFINITY, deliveryLimit: Number.POSITIVE_INFINITY },
      // Nothing dies here.
      dead: { name: deadName, noteOf: (reason) => reason, movedIn: () => {} },
    });
    this.#makeQueue = (ref) => {
      const movedIn = (seq: number): void => this.#dead.movedIn(seq);
      const dead = { name: deadName, noteOf: (reason: string) => deathNote(ref, reason), movedIn };
      return createEmbeddedQueue({ ...common, name: queueName(ref), maxLength, deliveryLimit, dead });
    };
  }

  async start(): Promise<void> {
    this.#state = 'ready';
    for (const queue of [this.#dead, ...this.#queues.values()]) queue.wake();
  }

  async quiesce(force: AbortSignal): Promise<void> {
    this.#cancelAll();
    await this.#inHand.idle(force);
  }

  async stop(): Promise<void> {
    this.#state = 'closed';
    this.#cancelAll();
    this.#hearers.clear();
    this.#stopping.abort();
    // Whoever closes the journal next must not cut off a write.
    await this.#writes.idle(AbortSignal.timeout(lastWritesMs));
  }

  state(): BusState {
    return this.#state;
  }

  health(): ServiceHealth {
    return this.#state === 'ready' ? { ok: true } : { ok: false, detail: `the bus is ${this.#state}` };
  }

  async declare(ref: QueueRef): Promise<void> {
    this.#refuseWhenStopped();
    this.#queueOf(ref);
  }

  async publish(
    message: Envelope,
    { queue: ref, delay }: { readonly queue: QueueRef; readonly delay?: DelayRung },
  ): Promise<PublishOutcome> {
    if (this.#state !== 'ready') return 'unknown';
    const content = { id: message.id, bytes: encodeEnvelope(message) };
    try {
      const queue = await this.#existing(ref);
      if (!queue) return 'unroutable';
      return await queue.add(content, delay === undefined ? 0 : this.#clock.now() + this.#delays[delay]);
    } catch (err) {
      this.#log.error({ err, messageId: message.id }, 'the journal failed; a message is refused');
      return 'nacked';
    }
  }

  async broadcast(message: Envelope): Promise<PublishOutcome> {
    if (this.#state !== 'ready') return 'unknown';
    const bytes = encodeEnvelope(message);
    setImmediate(() => this.#tellAll(bytes));
    try {
      await keepBroadcast(this.#journal, { id: message.id, bytes, now: this.#clock.now() });
      return 'ok';
    } catch (err) {
      this.#log.error({ err, messageId: message.id }, 'the journal failed; a broadcast may not be kept');
      return 'unknown';
    }
  }

  async recall(from: RecallStart, visit: (message: Envelope) => void): Promise<number> {
    if (this.#state !== 'ready') throw new MoltError('MOLT_BUS_DOWN', `the bus is ${this.#state}`);
    try {
      return await readBroadcasts(this.#journal, from, readable(visit, this.#log));
    } catch (err) {
      throw new MoltError('MOLT_BUS_DOWN', 'the broadcasts cannot be read', { cause: err });
    }
  }

  async consume(
    ref: QueueRef,
    { prefetch }: { readonly prefetch: number },
    handler: DeliveryHandler,
  ): Promise<Subscription> {
    this.#refuseWhenStopped();
    return this.#subscribed(
      this.#queueOf(ref).consume(prefetch, (entry, settlement) => take(entry, { settlement, handler, log: this.#log })),
    );
  }

  async consumeDead(
    { prefetch }: { readonly prefetch: number },
    handler: (letter: DeadDelivery) => Promise<void>,
  ): Promise<Subscription> {
    this.#refuseWhenStopped();
    const pause = (): Promise<void> => this.#clock.sleep(deadPauseMs, this.#stopping.signal);
    return this.#subscribed(
      this.#dead.consume(prefetch, (entry, settlement) => {
        void handOutDead(handler, decideDeadOnce(deadFacts(entry), settlement), { log: this.#log, pause });
      }),
    );
  }

  async onBroadcast(handler: (message: Envelope) => void): Promise<Subscription> {
    this.#refuseWhenStopped();
    this.#hearers.add(handler);
    return {
      cancel: async () => {
        this.#hearers.delete(handler);
      },
    };
  }

  #subscribed(cancel: () => void): Subscription {
    this.#cancels.add(cancel);
    return {
      cancel: async () => {
        this.#cancels.delete(cancel);
        cancel();
      },
    };
  }

  #queueOf(ref: QueueRef): EmbeddedQueue {
    const name = queueName(ref);
    const queue = this.#queues.get(name) ?? this.#makeQueue(ref);
    this.#queues.set(name, queue);
    return queue;
  }

  /** A queue of an earlier process exists as long as it holds messages. */
  async #existing(ref: QueueRef): Promise<EmbeddedQueue | undefined> {
    const name = queueName(ref);
    const known = this.#queues.get(name);
    if (known) return known;
    return (await this.#journal.count(name)) > 0 ? this.#queueOf(ref) : undefined;
  }

  #tellAll(bytes: Buffer): void {
    for (const hear of this.#hearers) {
      try {
        hear(decodeEnvelope(bytes));
      } catch (err) {
        this.#log.error({ err }, 'a handler of broadcasts threw');
      }
    }
  }

  #cancelAll(): void {
    for (const cancel of this.#cancels) cancel();
    this.#cancels.clear();
  }

  #refuseWhenStopped(): void {
    if (this.#state === 'closed') throw new MoltError('MOLT_SHUTTING_DOWN', 'the bus is stopped');
  }
}

/** The journal, with every write in progress counted. */
function countWrites(journal: MessageJournal, writes: Tally): MessageJournal {
  const counted = async <T>(write: Promise<T>): Promise<T> => {
    writes.add();
    try {
      return await write;
    } finally {
      writes.remove();
    }
  };
  return {
    append: (entry) => counted(journal.append(entry)),
    delivered: (seq) => counted(journal.delivered(seq)),
    move: (seq, to) => counted(journal.move(seq, to)),
    remove: (seq) => counted(journal.remove(seq)),
    read: (queue, after, limit) => journal.read(queue, after, limit),
    count: (queue) => journal.count(queue),
  };
}
