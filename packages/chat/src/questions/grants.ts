import type { Store } from '@moltbot/store';

/** A press that says yes to a question, whose task may not be there yet. */
export interface Grant {
  readonly tenant: string;
  /** Id of the press. */
  readonly event: string;
  /** Id of the question. */
  readonly question: string;
}

/**
 * The presses of one bot that say yes, from before the question is decided until its task is there or was refused: what somebody who died
 * in between has left here is done by whoever leads next. Every call rejects with MOLT_STORE_DOWN.
 */
export interface Grants {
  begin(grant: Grant): Promise<void>;
  end(grant: Pick<Grant, 'tenant' | 'event'>): Promise<void>;
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
      for (const { id, value } of page.records) yield { tenant, event: id, question: value };
      cursor = page.cursor;
    } while (cursor !== undefined);
  }
  return {
    async begin({ tenant, event, question }) {
      await store.putRecord({ tenant, kind, id: event }, question, { keepMs });
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
