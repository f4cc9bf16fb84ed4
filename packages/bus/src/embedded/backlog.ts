import type { Clock, JournalEntry, MessageJournal } from '@moltbot/shared';

/** What one queue has to hand out: first what came back, then what waited for its time, then what is new. */
export interface Backlog {
  /** Takes the next message. Call it again only when it has settled. Rejects when the journal fails. */
  next(): Promise<JournalEntry | undefined>;
  /** A message that was taken is to be taken again. */
  giveBack(entry: JournalEntry): void;
  /** A message that was taken has left the queue. */
  forget(seq: number): void;
  /** A message that was taken stays in the queue until `notBefore`, epoch ms. */
  postpone(seq: number, notBefore: number): void;
  /** The journal has new messages at its end. */
  grown(): void;
  /** A message of another queue was moved into this one; it keeps its place in the journal. */
  movedIn(seq: number): void;
}

export interface BacklogOptions {
  readonly queue: string;
  readonly journal: MessageJournal;
  readonly clock: Clock;
  /** Called when a message has become due. */
  readonly wake: () => void;
  readonly stopping: AbortSignal;
}

/** Messages in memory at a time, besides those that are handed out. */
const pageSize = 256;

export function createBacklog(options: BacklogOptions): Backlog {
  return new JournalBacklog(options);
}

class JournalBacklog implements Backlog {
  readonly #options: BacklogOptions;
  readonly #returned: JournalEntry[] = [];
  readonly #page: JournalEntry[] = [];
  /** Places that the page reader has passed, or may have: read one by one. */
  readonly #behind = new Set<number>();
  /** Place to epoch ms. Without bytes, so that a hundred thousand cost little. */
  readonly #delayed = new Map<number, number>();
  /** Taken and not forgotten: the page reader may meet them again. */
  readonly #taken = new Set<number>();
  #begun = false;
  #lastRead = 0;
  #mayHaveMore = true;
  #alarmAt = Number.POSITIVE_INFINITY;
  #alarm = new AbortController();

  constructor(options: BacklogOptions) {
    this.#options = options;
  }

  async next(): Promise<JournalEntry | undefined> {
    this.#begun = true;
    return this.#returned.shift() ?? (await this.#nextBehind()) ?? (await this.#nextNew());
  }

  giveBack(entry: JournalEntry): void {
    this.#returned.push(entry);
  }

  forget(seq: number): void {
    this.#taken.delete(seq);
  }

  postpone(seq: number, notBefore: number): void {
    this.#taken.delete(seq);
    this.#wait(seq, notBefore);
  }

  grown(): void {
    this.#mayHaveMore = true;
  }

  movedIn(seq: number): void {
    // Before the first read there is nothing to be behind of.
    if (this.#begun) this.#behind.add(seq);
  }

  async #nextBehind(): Promise<JournalEntry | undefined> {
    const { journal, queue } = this.#options;
    for (const seq of this.#behind) {
      const [entry] = await journal.read(queue, seq - 1, 1);
      this.#behind.delete(seq);
      const next = entry?.seq === seq ? this.#take(entry) : undefined;
      if (next) return next;
    }
    return undefined;
  }

  async #nextNew(): Promise<JournalEntry | undefined> {
    for (;;) {
      for (let entry = this.#page.shift(); entry; entry = this.#page.shift()) {
        const next = this.#take(entry);
        if (next) return next;
      }
      if (!this.#mayHaveMore) return undefined;
      this.#mayHaveMore = false;
      this.#page.push(...(await this.#readPage()));
    }
  }

  async #readPage(): Promise<readonly JournalEntry[]> {
    const { journal, queue } = this.#options;
    try {
      const page = await journal.read(queue, this.#lastRead, pageSize);
      this.#lastRead = page.at(-1)?.seq ?? this.#lastRead;
      this.#mayHaveMore ||= page.length === pageSize;
      return page;
    } catch (err) {
      this.#mayHaveMore = true;
      throw err;
    }
  }

  #take(entry: JournalEntry): JournalEntry | undefined {
    const { seq, notBefore } = entry;
    if (this.#taken.has(seq)) return undefined;
    if (notBefore > this.#options.clock.now()) {
      this.#wait(seq, notBefore);
      return undefined;
    }
    this.#taken.add(seq);
    return entry;
  }

  #wait(seq: number, notBefore: number): void {
    this.#delayed.set(seq, notBefore);
    if (notBefore < this.#alarmAt) this.#setAlarm(notBefore);
  }

  #setAlarm(at: number): void {
    const { clock, stopping } = this.#options;
    this.#alarm.abort();
    this.#alarm = new AbortController();
    this.#alarmAt = at;
    const signal = AbortSignal.any([this.#alarm.signal, stopping]);
    clock.sleep(Math.max(1, at - clock.now()), signal).then(
      () => this.#ring(),
      () => {},
    );
  }

  #ring(): void {
    const now = this.#options.clock.now();
    this.#alarmAt = Number.POSITIVE_INFINITY;
    let next = Number.POSITIVE_INFINITY;
    for (const [seq, notBefore] of this.#delayed) {
      if (notBefore > now) next = Math.min(next, notBefore);
      else if (this.#delayed.delete(seq)) this.#behind.add(seq);
    }
    if (next !== Number.POSITIVE_INFINITY) this.#setAlarm(next);
    this.#options.wake();
  }
}
