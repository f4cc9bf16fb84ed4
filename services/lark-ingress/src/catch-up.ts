import { type Clock, hasCode, type Logger } from '@moltbot/shared';
import type { RecordStore, StoredRecord } from '@moltbot/store';
import { z } from 'zod';
import type { LarkSaid } from './events/lark-event.ts';
import { readItem } from './events/read-event.ts';
import { rememberedMs } from './inbox/inbox.ts';
import { paceMs, readBack } from './inbox/read-back.ts';
import type { LarkApi } from './lark-api.ts';

/** Finds in the history of chats what came by no event: the one proof that nothing is lost which asks nobody to be well. */
export interface CatchUp {
  /** The place of a message is read from now on. @throws MOLT_STORE_DOWN */
  noteSeen(said: LarkSaid): Promise<void>;
  /** From when on the history of a place is read, epoch ms; undefined where nothing was said to us before. @throws MOLT_STORE_DOWN */
  since(where: string): Promise<number | undefined>;
  /** Reads what was said since it was read last, in every place that is known, and hands over what is there. */
  round(signal: AbortSignal): Promise<void>;
}

export interface CatchUpDeps {
  readonly tenant: string;
  readonly account: string;
  readonly api: LarkApi;
  readonly store: RecordStore;
  readonly clock: Clock;
  readonly log: Logger;
  /** Takes it in unless it is known. */
  take(said: LarkSaid): Promise<void>;
}

const kind = 'chat.seen';
const dayMs = 86_400_000;
/** A chat in which nothing was said to us for so long is read no more, nor is a thread. */
const keptForMs = { chat: 30 * dayMs, thread: dayMs } as const;
/** What was said so long ago may have been forgotten as dealt with. */
const furthestMs = rememberedMs - 3_600_000;
/** Between the platform's clock, ours, and events on their way. */
const overlapMs = 60_000;
/** A place that may not be read is asked for again after so long. */
const refusedForMs = 600_000;
/** One that fails ends a round, and is left out of the next ones for so long: others must not wait for it. */
const failedForMs = 30_000;
const noteEveryMs = 3_600_000;
/** Where nothing is new it is written down so often that it was read. */
const readNoteEveryMs = 300_000;
/** The event of what was said just now may be on its way. */
const freshMs = 3_000;

const Place = z.strictObject({
  container: z.enum(['chat', 'thread']),
  isPrivate: z.boolean(),
  /** Up to here the history was read, and when something was said to us last; epoch ms. */
  readTo: z.number(),
  heardAt: z.number(),
});
type Place = z.infer<typeof Place>;

/** Undefined for what cannot be read. */
function placeIn(value: string): Place | undefined {
  try {
    return Place.parse(JSON.parse(value));
  } catch {
    return undefined;
  }
}

export function createCatchUp(deps: CatchUpDeps): CatchUp {
  const { tenant, account, api, store, clock, log, take } = deps;
  const prefix = `${account}/`;
  const noted = new Map<string, number>();
  const refused = new Map<string, number>();

  const write = async (id: string, place: Place, version: number): Promise<void> => {
    const keepMs = Math.max(overlapMs, place.heardAt + keptForMs[place.container] - clock.now());
    // Whoever wrote in between has read it, or heard of it.
    await store.putRecord({ tenant, kind, id }, JSON.stringify(place), { version, keepMs });
  };
  const note = async (where: string, place: Place): Promise<void> => {
    const last = noted.get(where);
    if (last !== undefined && clock.monotonic() - last < noteEveryMs) return;
    const id = `${prefix}${where}`;
    const known = await store.getRecord({ tenant, kind, id });
    const before = known && placeIn(known.value);
    await write(id, { ...place, ...before, heardAt: place.heardAt }, known?.version ?? 0);
    noted.set(where, clock.monotonic());
  };
  const catchUp = async ({ id, value, version }: StoredRecord, signal: AbortSignal): Promise<void> => {
    const place = placeIn(value);
    // Until something is said there again.
    if (!place) return;
    const where = id.slice(prefix.length);
    const now = clock.now();
    const since = sinceOf(place, now);
    const items = await readBack({ api, clock, log }, { container: place.container, id: where, since, signal });
    for (const item of items) {
      const said = readItem(item, place.isPrivate);
      if (said && said.at <= now - freshMs) await take(said);
    }
    if (items.length === 0 && now - place.readTo < readNoteEveryMs) return;
    const heard = items.map(({ create_time: time }) => Number(time));
    await write(id, { ...place, readTo: now, heardAt: Math.max(place.heardAt, ...heard) }, version);
  };
  const catchUpUnlessRefused = async (record: StoredRecord, signal: AbortSignal): Promise<void> => {
    if ((refused.get(record.id) ?? 0) > clock.monotonic()) return;
    try {
      await catchUp(record, signal);
    } catch (error) {
      const isRefused = hasCode(error, 'MOLT_CHAT_REFUSED') || hasCode(error, 'MOLT_CHAT_GONE');
      refused.set(record.id, clock.monotonic() + (isRefused ? refusedForMs : failedForMs));
      if (!isRefused) throw error;
      log.warn(
        { err: error, place: record.id },
        'the history of a chat cannot be read: what comes by no event is lost there',
      );
    }
  };

  return {
    async since(where) {
      const known = await store.getRecord({ tenant, kind, id: `${prefix}${where}` });
      const place = known && placeIn(known.value);
      return place && sinceOf(place, clock.now());
    },
    async noteSeen({ chat, thread, isPrivate, at }) {
      await note(chat, { container: 'chat', isPrivate, readTo: at, heardAt: at });
      if (thread !== undefined) await note(thread, { container: 'thread', isPrivate, readTo: at, heardAt: at });
    },
    async round(signal) {
      let cursor: string | undefined = prefix;
      while (cursor !== undefined && !signal.aborted) {
        const page = await store.listRecords({ tenant, kind }, { limit: 100, cursor });
        const own = page.records.filter(({ id }) => id.startsWith(prefix));
        for (const record of own) {
          if (signal.aborted) return;
          await catchUpUnlessRefused(record, signal);
          await clock.sleep(paceMs, signal).catch(() => {});
        }
        cursor = own.length === page.records.length ? page.cursor : undefined;
      }
    },
  };
}

const sinceOf = ({ readTo }: Place, now: number): number => Math.max(readTo - overlapMs, now - furthestMs);
