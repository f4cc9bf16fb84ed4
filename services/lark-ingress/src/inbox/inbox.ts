import { asMoltError, type Clock, type Logger, newId } from '@moltbot/shared';
import type { RecordStore, StoredRecord } from '@moltbot/store';
import { z } from 'zod';
import { LarkEvent } from '../events/lark-event.ts';

/** An event that is to be dealt with, and how often that was tried. */
export interface InboxEntry {
  readonly event: LarkEvent;
  readonly tries: number;
}

/**
 * Events, from before the platform is told that they came until all they lead to is durable. Each is in one of two states: kept (and
 * claimed by an instance for a while), or done; so that nothing is lost with a process, and little is done twice.
 */
export interface Inbox {
  /** Keeps an event, claimed by this instance. @returns false when it is known already @throws MOLT_STORE_DOWN */
  keep(event: LarkEvent): Promise<boolean>;
  /**
   * Takes on one that may not be kept yet, and one that this instance has kept: `taken` is what another works on.
   * @throws MOLT_STORE_DOWN
   */
  take(event: LarkEvent): Promise<InboxEntry | 'done' | 'taken'>;
  /** @throws MOLT_STORE_DOWN */
  done(event: LarkEvent): Promise<void>;
  /** Claims those that nobody works on any more, oldest first. @throws MOLT_STORE_DOWN */
  claim(): Promise<readonly InboxEntry[]>;
}

export interface InboxDeps {
  readonly tenant: string;
  /** Which bot: two may hear the same. */
  readonly account: string;
  readonly store: RecordStore;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Logger;
  /** How long whoever keeps an event has to deal with it, ms. */
  readonly claimMs: number;
}

const keptKind = 'chat.inbox';
const doneKind = 'chat.handled';
const hourMs = 3_600_000;
/** The platform sends an event again for seven hours. */
export const rememberedMs: number = 9 * hourMs;
const keptForMs = 24 * hourMs;
const pageSize = 200;
const unreadableAtMost = 1_000;

const Kept = z.strictObject({
  event: LarkEvent,
  /** Until when it is claimed, epoch ms, and by whom. */
  until: z.number(),
  by: z.string(),
  tries: z.number(),
});

export function createInbox({ tenant, account, store, clock, log, claimMs }: InboxDeps): Inbox {
  const owner = newId();
  const prefix = `${account}/`;
  const nameOf = (kind: string, id: string) => ({ tenant, kind, id: `${prefix}${id}` });
  const unreadable = new Set<string>();
  const written = (event: LarkEvent, tries: number): string =>
    JSON.stringify({ event, until: clock.now() + claimMs, by: owner, tries } satisfies z.infer<typeof Kept>);

  /** Undefined for what cannot be read: it is told of once, and hides nothing else. */
  const read = ({ id, value, version }: StoredRecord): z.infer<typeof Kept> | undefined => {
    try {
      return Kept.parse(JSON.parse(value));
    } catch (reason) {
      const name = `${id} ${version}`;
      if (!unreadable.has(name))
        log.error({ record: id, reason: asMoltError(reason).message }, 'an event cannot be read');
      if (unreadable.size >= unreadableAtMost) unreadable.clear();
      unreadable.add(name);
      return undefined;
    }
  };
  const claimOne = async (record: StoredRecord): Promise<readonly InboxEntry[]> => {
    const { id, version } = record;
    const kept = read(record);
    if (!kept) return [];
    const { event, until, tries } = kept;
    if (until > clock.now()) return [];
    // Dealt with by somebody who died before taking it out.
    if (await store.getRecord(nameOf(doneKind, event.id))) {
      await store.dropRecord({ tenant, kind: keptKind, id }, version);
      return [];
    }
    const name = nameOf(keptKind, event.id);
    const claimed = await store.putRecord(name, written(event, tries + 1), { version, keepMs: keptForMs });
    return claimed === undefined ? [] : [{ event, tries: tries + 1 }];
  };

  const keep = async (event: LarkEvent): Promise<boolean> => {
    if (await store.getRecord(nameOf(doneKind, event.id))) return false;
    const write = { version: 0, keepMs: keptForMs };
    return (await store.putRecord(nameOf(keptKind, event.id), written(event, 1), write)) !== undefined;
  };

  return {
    keep,
    async take(event) {
      if (await store.getRecord(nameOf(doneKind, event.id))) return 'done';
      const kept = await store.getRecord(nameOf(keptKind, event.id));
      if (!kept) return (await keep(event)) ? { event, tries: 1 } : 'taken';
      const known = read(kept);
      if (known?.by === owner) return { event, tries: known.tries };
      const [claimed] = await claimOne(kept);
      return claimed ?? 'taken';
    },
    async done(event) {
      await store.putRecord(nameOf(doneKind, event.id), '1', { keepMs: rememberedMs });
      await store.dropRecord(nameOf(keptKind, event.id));
    },
    async claim() {
      const found: InboxEntry[] = [];
      let cursor: string | undefined = prefix;
      while (cursor !== undefined) {
        const page = await store.listRecords({ tenant, kind: keptKind }, { limit: pageSize, cursor });
        const own = page.records.filter(({ id }) => id.startsWith(prefix));
        for (const record of own) found.push(...(await claimOne(record)));
        cursor = own.length === page.records.length ? page.cursor : undefined;
      }
      return found.toSorted((one, other) => one.event.at - other.event.at);
    },
  };
}
