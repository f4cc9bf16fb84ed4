import type { Principal } from '@moltbot/shared';
import type { Store } from '@moltbot/store';
import { z } from 'zod';
import type { Actor, IncomingBase } from '../incoming.ts';
import type { Language } from '../texts/language.ts';

/** What is known of a platform user. */
export interface Person {
  /** Who they act as; absent: nobody knows them. */
  readonly principal?: Principal | undefined;
  /** What they have chosen. */
  readonly language?: Language | undefined;
}

/** Who the users of one bot are. Every call rejects with MOLT_STORE_DOWN. */
export interface People {
  find(incoming: Pick<IncomingBase, 'tenant' | 'actor' | 'place'>): Promise<Person>;
  link(who: Pick<IncomingBase, 'tenant' | 'actor'>, name: string): Promise<void>;
  /** False when they were not linked. */
  unlink(who: Pick<IncomingBase, 'tenant' | 'actor'>): Promise<boolean>;
  choose(who: Pick<IncomingBase, 'tenant' | 'actor'>, language: Language): Promise<void>;
}

export interface PeopleDeps {
  readonly store: Pick<Store, 'getRecord' | 'putRecord'>;
  readonly platform: { readonly name: string; readonly account: string };
  /** Their holders need no link. */
  rolesOf(incoming: Pick<IncomingBase, 'tenant' | 'place'>): readonly string[];
}

const PersonRecord = z.object({
  /** Name of the principal they have linked themselves to. */
  linked: z.string().optional(),
  /** As the platform shows it. */
  name: z.string(),
  language: z.enum(['en', 'zh-CN']).optional(),
});
type PersonRecord = z.infer<typeof PersonRecord>;

/** A platform user who was here. */
export interface KnownPerson {
  /** `<platform>:<account>:<id of the user there>`. */
  readonly id: string;
  /** As the platform shows it. */
  readonly name: string;
  /** Whom they act as. */
  readonly linked?: string | undefined;
  readonly language?: Language | undefined;
}

/** Undefined for what cannot be read. */
export const readPerson = ({ id, value }: { readonly id: string; readonly value: string }): KnownPerson | undefined => {
  const known = parsed(value);
  return known && { id, ...known };
};

function parsed(value: string): PersonRecord | undefined {
  try {
    return PersonRecord.parse(JSON.parse(value));
  } catch {
    return undefined;
  }
}

/** What the ids of principals begin with who have linked themselves. */
export const linkedPrefix = 'user:';
/** Kind of the records of all bots; their ids begin with platform and account. */
export const peopleKind = 'chat.people';
const triesAtMost = 10;

export function createPeople({ store, platform, rolesOf }: PeopleDeps): People {
  const nameOf = ({ tenant, actor }: { tenant: string; actor: Actor }) => ({
    ...{ tenant, kind: peopleKind, id: `${platform.name}:${platform.account}:${actor.id}` },
  });
  const read = async (who: { tenant: string; actor: Actor }) => {
    const record = await store.getRecord(nameOf(who));
    // Whose record cannot be read is not known, and can link themselves again.
    const known = (record && parsed(record.value)) ?? { name: who.actor.name };
    return { known, version: record?.version ?? 0 };
  };
  const change = async (
    who: { tenant: string; actor: Actor },
    how: (known: PersonRecord) => PersonRecord,
  ): Promise<PersonRecord> => {
    for (let tries = 0; tries < triesAtMost; tries += 1) {
      const { known, version } = await read(who);
      const value = JSON.stringify({ ...how(known), name: who.actor.name });
      if ((await store.putRecord(nameOf(who), value, { version })) !== undefined) return known;
    }
    throw new Error('a record of a person is changed by others all the time');
  };
  return {
    async find(who) {
      const { known } = await read(who);
      const { tenant, actor } = who;
      const hasRole = rolesOf(who).some((role) => actor.roles.includes(role));
      const byRole = hasRole ? `${platform.name}:${actor.id}` : undefined;
      const id = known.linked === undefined ? byRole : `${linkedPrefix}${known.linked}`;
      return { ...(id !== undefined && { principal: { tenant, id } }), language: known.language };
    },
    link: async (who, linked) => void (await change(who, (known) => ({ ...known, linked }))),
    async unlink(who) {
      if ((await read(who)).known.linked === undefined) return false;
      return (await change(who, ({ linked: _former, ...known }) => known)).linked !== undefined;
    },
    choose: async (who, language) => void (await change(who, (known) => ({ ...known, language }))),
  };
}
