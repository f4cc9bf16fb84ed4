import type { Principal } from '@moltbot/shared';
import type { Store } from '@moltbot/store';
import { z } from 'zod';
import type { IncomingBase } from './incoming.ts';

/** What every delivery of an event goes by, so that each comes to the same. */
export interface Begun {
  /** Id of the principal whom it was done as; absent: nobody knew them. */
  readonly as?: string | undefined;
  /** When it came to the bot first, epoch ms. */
  readonly at: number;
  /** It was too much then: how long they were to wait, ms. To somebody whom nobody knows nothing is said then. */
  readonly waitMs?: number | undefined;
}

/** The events of one bot, for as long as a platform gives them again. Every call rejects with MOLT_STORE_DOWN. */
export interface Events {
  /**
   * @param admit asked when it comes first: how long they have to wait, if it is too much
   * @returns undefined when it has been handled before
   */
  begin(
    event: EventName,
    principal: Principal | undefined,
    admit: () => Promise<number | undefined>,
  ): Promise<Begun | undefined>;
  handled(event: EventName): Promise<void>;
}

type EventName = Pick<IncomingBase, 'tenant' | 'id'>;

/** How long one is remembered, ms: of Discord a day is read back after an outage; Lark gives one again for 7 hours. */
const keepMs = 26 * 3_600_000;

const EventRecord = z.object({
  as: z.string().optional(),
  at: z.int(),
  waitMs: z.number().optional(),
  done: z.boolean().optional(),
});
type EventRecord = z.infer<typeof EventRecord>;

export function createEvents({
  store,
  platform,
  now,
}: {
  readonly store: Pick<Store, 'getRecord' | 'putRecord'>;
  readonly platform: { readonly name: string; readonly account: string };
  now(): number;
}): Events {
  const nameOf = ({ tenant, id }: EventName) => ({
    tenant,
    kind: `chat.events.${platform.name}.${platform.account}`,
    id,
  });
  const find = async (event: EventName) => {
    const record = await store.getRecord(nameOf(event));
    return record && EventRecord.parse(JSON.parse(record.value));
  };
  return {
    async begin(event, principal, admit) {
      const before = await find(event);
      if (before) return before.done ? undefined : before;
      const begun: EventRecord = { as: principal?.id, at: now(), waitMs: await admit() };
      const isFirst = await store.putRecord(nameOf(event), JSON.stringify(begun), { version: 0, keepMs });
      const known = isFirst === undefined ? ((await find(event)) ?? begun) : begun;
      return known.done ? undefined : known;
    },
    async handled(event) {
      await store.putRecord(nameOf(event), JSON.stringify({ at: now(), done: true }), { keepMs });
    },
  };
}
