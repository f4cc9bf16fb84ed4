import type { MessageJournal } from '@moltbot/shared';
import { broadcastsKeptMs, type RecallStart } from '../port.ts';

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

/** Visits them in their order; returns the place of the last one. Rejects when the journal fails. */
export async function readBroadcasts(
  journal: MessageJournal,
  from: RecallStart,
  visit: (content: Buffer) => void,
): Promise<number> {
  const since = 'since' in from ? from.since : Number.NEGATIVE_INFINITY;
  let after = 'after' in from ? from.after : 0;
  for (;;) {
    const page = await journal.read(queue, after, pageSize);
    for (const { notBefore, bytes } of page) if (notBefore >= since) visit(bytes);
    after = page.at(-1)?.seq ?? after;
    if (page.length < pageSize) return after;
  }
}
