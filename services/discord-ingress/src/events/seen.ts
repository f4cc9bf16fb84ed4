import type { Clock } from '@moltbot/shared';
import type { Store } from '@moltbot/store';
import { idAt, isAfter, later } from '../snowflake.ts';

/** Where a channel is, as far as it is needed to read it again. */
export interface SeenChannel {
  readonly channel: string;
  readonly guild?: string | undefined;
  /** Of a thread: the channel it is in. */
  readonly parent?: string | undefined;
}

interface Seen extends SeenChannel {
  /** Id of its last message that is handled. */
  readonly last: string;
}

/** The last message of each channel that is handled: what is read after it when a session was lost. */
export interface SeenMessages {
  /** The first time that this bot runs: nothing can have been missed. */
  isFirst(): boolean;
  mark(channel: SeenChannel, messageId: string): void;
  /** Id of the last one that need not be read. */
  after(channelId: string): string;
  lastOf(channelId: string): string | undefined;
  /** Newest first. */
  channels(): readonly SeenChannel[];
  /** It is there no more. */
  forget(channelId: string): void;
  /** Writes what has changed. @throws MOLT_STORE_DOWN */
  flush(): Promise<void>;
}

export interface SeenDeps {
  readonly store: Pick<Store, 'putRecord' | 'listRecords' | 'dropRecord'>;
  readonly tenant: string;
  readonly kind: string;
  /** Of the bot: what ids of records begin with. */
  readonly prefix: string;
  readonly clock: Pick<Clock, 'now'>;
}

/** What is older is not read again: after so long nobody waits for it. */
const readBackMs = 86_400_000;
/** Longer than what is read back, by far. */
const keepMs = 30 * 86_400_000;
const pageSize = 500;

/** Undefined for what cannot be read: its channel is read from where the bot began. */
function seenIn(value: string): Seen | undefined {
  try {
    const seen = JSON.parse(value) as Partial<Seen>;
    return typeof seen.channel === 'string' && typeof seen.last === 'string' ? (seen as Seen) : undefined;
  } catch {
    return undefined;
  }
}

/** @throws MOLT_STORE_DOWN */
export async function openSeenMessages({ store, tenant, kind, prefix, clock }: SeenDeps): Promise<SeenMessages> {
  const known = new Map<string, Seen>();
  const changed = new Set<string>();
  const gone = new Set<string>();
  const begunId = prefix;
  let begun: string | undefined;
  let cursor: string | undefined;
  do {
    const page = await store.listRecords(
      { tenant, kind },
      { limit: pageSize, ...(cursor === undefined ? {} : { cursor }) },
    );
    for (const { id, value } of page.records) {
      if (id === begunId) begun = value;
      else if (id.startsWith(`${prefix}.`)) {
        const seen = seenIn(value);
        if (seen) known.set(seen.channel, seen);
      }
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
  const isFirst = begun === undefined;
  const since = begun ?? idAt(clock.now());
  if (isFirst) await store.putRecord({ tenant, kind, id: begunId }, since);

  return {
    isFirst: () => isFirst,
    mark(channel, messageId) {
      const last = known.get(channel.channel)?.last;
      if (last !== undefined && !isAfter(messageId, last)) return;
      known.set(channel.channel, { ...channel, last: messageId });
      changed.add(channel.channel);
    },
    after: (channelId) => later(known.get(channelId)?.last ?? since, idAt(clock.now() - readBackMs)),
    lastOf: (channelId) => known.get(channelId)?.last,
    channels: () => [...known.values()].sort((a, b) => (isAfter(a.last, b.last) ? -1 : 1)),
    forget(channelId) {
      if (known.delete(channelId)) gone.add(channelId);
    },
    async flush() {
      for (const channelId of [...changed]) {
        const seen = known.get(channelId);
        changed.delete(channelId);
        if (!seen) continue;
        await store
          .putRecord({ tenant, kind, id: `${prefix}.${channelId}` }, JSON.stringify(seen), { keepMs })
          .catch((error) => {
            changed.add(channelId);
            throw error;
          });
      }
      for (const channelId of [...gone]) {
        await store.dropRecord({ tenant, kind, id: `${prefix}.${channelId}` });
        gone.delete(channelId);
      }
    },
  };
}
