import type { Clock, Logger, Principal } from '@moltbot/shared';
import { MoltError } from '@moltbot/shared';
import type { Store } from '@moltbot/store';
import { createLinkCodes, LinkName } from './people/link-codes.ts';
import { type KnownPerson, peopleKind, readPerson } from './people/people.ts';

/** What operators do about the users of chat platforms, without a chat. */
export interface ChatDesk {
  /** @throws MOLT_BAD_REQUEST for a name that cannot be, MOLT_STORE_DOWN */
  makeCode(principal: Principal, name: string): Promise<{ readonly code: string; readonly expiresAt: number }>;
  /** By id; those who have linked themselves or chosen a language. */
  listPeople(
    principal: Principal,
    query: { readonly limit: number; readonly cursor?: string | undefined },
  ): Promise<{ readonly people: readonly KnownPerson[]; readonly cursor?: string | undefined }>;
  /** Forgets a platform user: they have to link themselves again. @throws MOLT_NOT_FOUND, MOLT_STORE_DOWN */
  forget(principal: Principal, id: string): Promise<void>;
}

export function createChatDesk({
  store,
  clock,
  log,
}: {
  readonly store: Pick<Store, 'getRecord' | 'putRecord' | 'dropRecord' | 'listRecords' | 'takeToken'>;
  readonly clock: Clock;
  readonly log: Logger;
}): ChatDesk {
  const codes = createLinkCodes({ store, now: clock.now });
  return {
    async makeCode({ tenant, id: by }, name) {
      const checked = LinkName.safeParse(name);
      if (!checked.success) {
        const message = checked.error.issues[0]?.message ?? 'the name cannot be';
        throw new MoltError('MOLT_BAD_REQUEST', message, { places: [{ path: '/name', message }] });
      }
      const made = await codes.make(tenant, checked.data, by);
      log.info({ tenant, by, name }, 'a code to link a chat account was made');
      return made;
    },
    async listPeople({ tenant }, query) {
      const { records, cursor } = await store.listRecords({ tenant, kind: peopleKind }, query);
      const people = records.flatMap((record) => {
        const person = readPerson(record);
        if (!person) log.error({ tenant, person: record.id }, 'what is known of a chat account cannot be read');
        return person ?? [];
      });
      return { people, cursor };
    },
    async forget({ tenant, id: by }, id) {
      const dropped = await store.dropRecord({ tenant, kind: peopleKind, id });
      if (!dropped) throw new MoltError('MOLT_NOT_FOUND', `nobody is known as "${id}" here`);
      log.info({ tenant, by, person: id }, 'a chat account was forgotten');
    },
  };
}
