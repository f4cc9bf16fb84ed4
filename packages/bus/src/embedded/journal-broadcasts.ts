import type { MessageJournal } from '@moltbot/shared';
import { broadcastsKeptMs } from '../port.ts';

/** In the journal they are a queue that nobody consumes; `notBefore` says when they came. */
const queue = 'broadcasts';
const pageSize = 256;
/** More than one a broadcast, so that those whose time is over cannot pile up. */
const droppedAtMost = 2;

export interface NewBroadcast {
  readonly id: string;
  readonly bytes: Buffer;
  /** Epoch ms. */
  readonly now: number;
}

/** Keeps a broadcast, and drops some whose time is over. Rejects when the journal fails. */
export async function keepBroadcast(journal: MessageJournal, { id, bytes, now }: NewBroadcast): Promise<void> {
  await journal.append({ queue, messageId: id, bytes, notBefore: now });
  for (const { seq, notBefore } of await journal.read(queue, 0, droppedAtMost)) {
    if (notBefore < now - broadcastsKeptMs) await journal.remove(seq);
  }
}

/** Those that came at `since` (epoch ms) or later, in their order. Rejects when the journal fails. */
export async function readBroadcasts(journal: MessageJournal, since: number): Promise<readonly Buffer[]> {
  const found: Buffer[] = [];
  for (let after = 0; ; ) {
    const page = await journal.read(queue, after, pageSize);
    found.push(...page.filter(({ notBefore }) => notBefore >= since).map(({ bytes }) => bytes));
    const last = page.at(-1);
    if (!last || page.length < pageSize) return found;
    after = last.seq;
  }
}
