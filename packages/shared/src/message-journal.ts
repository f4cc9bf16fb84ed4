/** A message the embedded bus keeps on disk. */
export interface JournalEntry {
  /** Assigned by the journal; grows. */
  readonly seq: number;
  readonly queue: string;
  readonly messageId: string;
  readonly bytes: Buffer;
  /** Deliveries that were given back, or were out when the process ended. */
  readonly deliveries: number;
  /** Epoch ms before which it must not be delivered; 0 for at once. */
  readonly notBefore: number;
  /** Why it is dead; only in the dead queue. */
  readonly reason?: string | undefined;
}

/**
 * Where the embedded bus keeps its messages. A resolved promise means: on disk.
 * Implemented beside the embedded store, so that one process has one database file.
 */
export interface MessageJournal {
  append(entry: Omit<JournalEntry, 'seq' | 'deliveries'>): Promise<number>;
  /** Counts a delivery: called before the message is handed out. */
  delivered(seq: number): Promise<void>;
  /** Moves it to another queue or time; the number of deliveries starts again. */
  move(
    seq: number,
    to: { readonly queue: string; readonly notBefore: number; readonly reason?: string | undefined },
  ): Promise<void>;
  remove(seq: number): Promise<void>;
  /** The first `limit` messages of a queue with seq above `after`, in order. */
  read(queue: string, after: number, limit: number): Promise<readonly JournalEntry[]>;
  /** Messages in a queue. */
  count(queue: string): Promise<number>;
}
