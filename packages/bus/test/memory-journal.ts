import type { JournalEntry, MessageJournal } from '@moltbot/shared';

/** A journal in memory that outlives the buses on it, and can be made to fail. */
export interface MemoryJournal extends MessageJournal {
  /** The next calls of a method reject, until it is given undefined. */
  fail(method: keyof MessageJournal | undefined): void;
  entries(queue: string): readonly JournalEntry[];
  /** Calls that rejected. */
  failures(): number;
  /** Largest number of messages that one `read` gave. */
  largestRead(): number;
}

export function createMemoryJournal(): MemoryJournal {
  const entries = new Map<number, JournalEntry>();
  let lastSeq = 0;
  let failing: keyof MessageJournal | undefined;
  let largest = 0;
  let failures = 0;

  const inQueue = (queue: string): JournalEntry[] =>
    [...entries.values()].filter((entry) => entry.queue === queue).toSorted((a, b) => a.seq - b.seq);
  const change = (seq: number, to: Partial<JournalEntry>): void => {
    const entry = entries.get(seq);
    if (!entry) throw new Error(`there is no message ${seq}`);
    entries.set(seq, { ...entry, ...to, deliveries: to.deliveries ?? entry.deliveries });
  };
  /** Every call takes a turn, as one to a disk does. */
  const turn = async (method: keyof MessageJournal): Promise<void> => {
    await new Promise(setImmediate);
    if (method !== failing) return;
    failures += 1;
    throw new Error('on purpose');
  };

  return {
    append: async (entry) => {
      await turn('append');
      lastSeq += 1;
      entries.set(lastSeq, { ...entry, bytes: Buffer.from(entry.bytes), seq: lastSeq, deliveries: 0 });
      return lastSeq;
    },
    delivered: async (seq) => {
      await turn('delivered');
      change(seq, { deliveries: (entries.get(seq)?.deliveries ?? 0) + 1 });
    },
    move: async (seq, to) => {
      await turn('move');
      change(seq, { ...to, deliveries: 0 });
    },
    remove: async (seq) => {
      await turn('remove');
      entries.delete(seq);
    },
    read: async (queue, after, limit) => {
      await turn('read');
      const page = inQueue(queue)
        .filter((entry) => entry.seq > after)
        .slice(0, limit);
      largest = Math.max(largest, page.length);
      return page;
    },
    count: async (queue) => {
      await turn('count');
      return inQueue(queue).length;
    },
    fail: (method) => {
      failing = method;
    },
    failures: () => failures,
    entries: inQueue,
    largestRead: () => largest,
  };
}
