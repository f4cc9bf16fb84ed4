import {
  type Clock,
  type Envelope,
  encodeEnvelope,
  type JournalEntry,
  type Logger,
  type MessageJournal,
} from '@moltbot/shared';
import type { Settlement } from '../delivery.ts';
import type { DelayRung, PublishOutcome, SettleOutcome } from '../port.ts';
import type { Tally } from '../tally.ts';
import { type Backlog, createBacklog } from './backlog.ts';

/** One queue: its messages are in the journal, and a page of them in memory while somebody consumes. */
export interface EmbeddedQueue {
  /** Keeps a message, to be delivered at `notBefore` (epoch ms; 0 for at once) or later. Rejects when nothing was tried. */
  add(message: { readonly id: string; readonly bytes: Buffer }, notBefore: number): Promise<PublishOutcome>;
  /** Hands out up to `prefetch` unsettled messages. Returns how to end it. */
  consume(prefetch: number, take: Take): () => void;
  /** A message of another queue was moved into this one. */
  movedIn(seq: number): void;
  /** Hands out what can be: call it when the bus has started. */
  wake(): void;
}

/** A queue for what cannot be handled in another. */
export interface DeadEnd {
  readonly name: string;
  /** What the journal says of a message that died here for that reason. */
  noteOf(reason: string): string;
  movedIn(seq: number): void;
}

export interface EmbeddedQueueOptions {
  readonly name: string;
  readonly journal: MessageJournal;
  readonly clock: Clock;
  readonly delays: Readonly<Record<DelayRung, number>>;
  readonly maxLength: number;
  /** Times a message may come back before it dies of it. */
  readonly deliveryLimit: number;
  /** Where what cannot be handled here goes. */
  readonly dead: DeadEnd;
  /** Counts what is handed out and not settled. */
  readonly inHand: Tally;
  /** Whether the bus is started, and not stopped. */
  readonly running: () => boolean;
  readonly stopping: AbortSignal;
  readonly log: Logger;
}

/** Is handed one message, to decide it by its settlement. */
export type Take = (entry: JournalEntry, settlement: Settlement) => void;

interface Consumer {
  readonly prefetch: number;
  readonly take: Take;
  unsettled: number;
}

/** How long the journal is left alone after it failed. */
const retryMs = 1_000;

export function createEmbeddedQueue(options: EmbeddedQueueOptions): EmbeddedQueue {
  return new JournalQueue(options);
}

class JournalQueue implements EmbeddedQueue {
  readonly #options: EmbeddedQueueOptions;
  readonly #backlog: Backlog;
  /** In order of their turn. */
  readonly #consumers = new Set<Consumer>();
  #pumping = false;
  #again = false;
  #counted: Promise<number> | undefined;
  #grownBy = 0;

  constructor(options: EmbeddedQueueOptions) {
    const { name, journal, clock, stopping } = options;
    this.#options = options;
    this.#backlog = createBacklog({ queue: name, journal, clock, stopping, wake: () => this.wake() });
  }

  async add(message: { readonly id: string; readonly bytes: Buffer }, notBefore: number): Promise<PublishOutcome> {
    const { name: queue, journal, log } = this.#options;
    if (!(await this.#takeRoom())) return 'nacked';
    try {
      await journal.append({ queue, messageId: message.id, bytes: message.bytes, notBefore });
    } catch (err) {
      this.#grownBy -= 1;
      log.error({ err, queue, messageId: message.id }, 'the journal failed; a message may not be kept');
      return 'unknown';
    }
    this.#backlog.grown();
    this.wake();
    return 'ok';
  }

  consume(prefetch: number, take: Take): () => void {
    const consumer = { prefetch, take, unsettled: 0 };
    this.#consumers.add(consumer);
    this.wake();
    return () => {
      this.#consumers.delete(consumer);
    };
  }

  movedIn(seq: number): void {
    this.#backlog.movedIn(seq);
    this.wake();
  }

  wake(): void {
    this.#again = true;
    if (!this.#pumping) void this.#pump();
  }

  /** Hands out while somebody has room. One at a time, as the backlog may have to ask the journal. */
  async #pump(): Promise<void> {
    this.#pumping = true;
    try {
      while (this.#again) {
        this.#again = false;
        await this.#handOutAll();
      }
    } catch (err) {
      this.#retryLater(err);
    } finally {
      this.#pumping = false;
    }
  }

  async #handOutAll(): Promise<void> {
    for (let consumer = this.#whoseTurn(); consumer; consumer = this.#whoseTurn()) {
      const entry = await this.#backlog.next();
      if (!entry) return;
      if (this.#consumers.has(consumer)) void this.#begin(entry, consumer);
      else this.#backlog.giveBack(entry);
    }
  }

  #whoseTurn(): Consumer | undefined {
    if (!this.#options.running()) return undefined;
    for (const consumer of this.#consumers) {
      if (consumer.unsettled >= consumer.prefetch) continue;
      this.#consumers.delete(consumer);
      this.#consumers.add(consumer);
      return consumer;
    }
    return undefined;
  }

  #retryLater(err: unknown): void {
    const { clock, log, name, stopping } = this.#options;
    log.error({ err, queue: name }, 'the journal failed; trying again');
    clock.sleep(retryMs, stopping).then(
      () => this.wake(),
      () => {},
    );
  }

  async #begin(entry: JournalEntry, consumer: Consumer): Promise<void> {
    consumer.unsettled += 1;
    this.#options.inHand.add();
    const release = (): void => {
      consumer.unsettled -= 1;
      this.#options.inHand.remove();
      this.wake();
    };
    const settlement = this.#settlementOf(entry, release);
    if (entry.deliveries > this.#options.deliveryLimit) return void (await settlement.dead('delivery_limit'));
    try {
      // Counted before it is handed out: a process that dies with it must find it counted.
      await this.#options.journal.delivered(entry.seq);
    } catch (err) {
      this.#backlog.giveBack(entry);
      release();
      return this.#retryLater(err);
    }
    if (this.#consumers.has(consumer)) consumer.take(entry, settlement);
    else await settlement.requeue();
  }

  #settlementOf(entry: JournalEntry, release: () => void): Settlement {
    const { clock, dead, delays, journal, name } = this.#options;
    const { seq } = entry;
    const settle = (decision: Decision): Promise<SettleOutcome> => this.#settle(entry, decision, release);
    return {
      ack: () => settle({ write: () => journal.remove(seq), written: () => this.#leave(seq) }),
      requeue: () => settle({ write: async () => {}, written: () => this.#comeBack(entry) }),
      delay: (rung, instead) => {
        const notBefore = clock.now() + delays[rung];
        if (instead) return settle(this.#replacing(entry, { instead, notBefore }));
        return settle({
          write: () => journal.move(seq, { queue: name, notBefore }),
          written: () => this.#backlog.postpone(seq, notBefore),
        });
      },
      dead: (reason) =>
        settle({
          write: () => journal.move(seq, { queue: dead.name, notBefore: 0, reason: dead.noteOf(reason) }),
          written: () => {
            this.#leave(seq);
            dead.movedIn(seq);
          },
        }),
    };
  }

  /** Keeps the other message first: between the two writes both are there, and none is lost. */
  #replacing(
    { seq }: JournalEntry,
    { instead, notBefore }: { readonly instead: Envelope; readonly notBefore: number },
  ): Decision {
    const { journal, name: queue } = this.#options;
    return {
      write: async () => {
        await journal.append({ queue, messageId: instead.id, bytes: encodeEnvelope(instead), notBefore });
        this.#grownBy += 1;
        this.#backlog.grown();
        await journal.remove(seq);
      },
      written: () => this.#leave(seq),
    };
  }

  /** Writes a decision down; the message comes back when that fails. */
  async #settle(entry: JournalEntry, { write, written }: Decision, release: () => void): Promise<SettleOutcome> {
    const { log, name, stopping } = this.#options;
    if (stopping.aborted) return 'stale';
    try {
      await write();
      written();
      return 'ok';
    } catch (err) {
      log.error({ err, queue: name, messageId: entry.messageId }, 'the journal failed; the message is given back');
      this.#comeBack(entry);
      return 'stale';
    } finally {
      release();
    }
  }

  #leave(seq: number): void {
    this.#backlog.forget(seq);
    this.#grownBy -= 1;
  }

  #comeBack(entry: JournalEntry): void {
    this.#backlog.giveBack({ ...entry, deliveries: entry.deliveries + 1 });
  }

  /** Asks the journal for the length once, and counts along after that. Rejects when the journal fails. */
  async #takeRoom(): Promise<boolean> {
    const { journal, maxLength, name } = this.#options;
    if (!this.#counted) {
      this.#grownBy = 0;
      this.#counted = journal.count(name);
    }
    this.#grownBy += 1;
    try {
      if ((await this.#counted) + this.#grownBy <= maxLength) return true;
    } catch (err) {
      this.#counted = undefined;
      throw err;
    }
    this.#grownBy -= 1;
    return false;
  }
}

interface Decision {
  write(): Promise<void>;
  /** Called when it is on disk. */
  written(): void;
}
