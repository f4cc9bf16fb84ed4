import { Place } from '@moltbot/shared';
import type { Store } from '@moltbot/store';
import { z } from 'zod';

/** A press by which something is to be run, whose task may not be there yet. */
export type Grant = GrantName & Granted;

interface GrantName {
  readonly tenant: string;
  /** Id of the press. */
  readonly event: string;
}

type Granted =
  /** A yes to the question of that id. */
  | { readonly kind: 'question'; readonly question: string }
  /** The remedy of a notification. */
  | { readonly kind: 'remedy'; readonly press: GrantedPress };

/** All that any instance needs to go on with a press. */
export interface GrantedPress {
  readonly place: Place;
  readonly actor: { readonly id: string; readonly name: string };
  readonly button: string;
  /** Id of the message with the button. */
  readonly message: string;
  readonly language: 'en' | 'zh-CN';
  /** Id of the principal whom it is done as. */
  readonly as: string;
  /** When it was pressed, and when that came to the bot first; epoch ms. */
  readonly at: number;
  readonly since: number;
}

const Granted: z.ZodType<Granted> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('question'), question: z.string() }),
  z.object({
    kind: z.literal('remedy'),
    press: z.object({
      place: Place,
      actor: z.object({ id: z.string(), name: z.string() }),
      button: z.string(),
      message: z.string(),
      language: z.enum(['en', 'zh-CN']),
      as: z.string(),
      at: z.int(),
      since: z.int(),
    }),
  }),
]);

/**
 * The presses of one bot that run something, from before that is on record until its task is there or was refused: what somebody who died
 * in between has left here is done by whoever leads next. Every call rejects with MOLT_STORE_DOWN.
 */
export interface Grants {
  begin(grant: Grant): Promise<void>;
  end(grant: GrantName): Promise<void>;
  open(): Promise<readonly Grant[]>;
}

/** As long as questions are remembered, ms. */
const keepMs = 7 * 24 * 3_600_000;
const pageSize = 200;

export function createGrants({
  store,
  platform,
  tenants,
}: {
  readonly store: Pick<Store, 'putRecord' | 'dropRecord' | 'listRecords'>;
  readonly platform: { readonly name: string; readonly account: string };
  readonly tenants: readonly string[];
}): Grants {
  const kind = `chat.grants.${platform.name}.${platform.account}`;
  async function* openOf(tenant: string): AsyncGenerator<Grant> {
    let cursor: string | undefined;
    do {
      const page = await store.listRecords({ tenant, kind }, { limit: pageSize, cursor });
      for (const { id, value } of page.records) {
        const granted = toGranted(value);
        if (granted) yield { tenant, event: id, ...granted };
      }
      cursor = page.cursor;
    } while (cursor !== undefined);
  }
  return {
    async begin({ tenant, event, ...granted }) {
      await store.putRecord({ tenant, kind, id: event }, JSON.stringify(granted), { keepMs });
    },
    async end({ tenant, event }) {
      await store.dropRecord({ tenant, kind, id: event });
    },
    async open() {
      const found: Grant[] = [];
      for (const tenant of tenants) for await (const grant of openOf(tenant)) found.push(grant);
      return found;
    },
  };
}

/** Undefined for what another version wrote: it must not hold up the others. */
function toGranted(value: string): Granted | undefined {
  try {
    return Granted.parse(JSON.parse(value));
  } catch {
    return undefined;
  }
}
