import { derivedId, newAppId, newChatId, newSecret } from './ids.ts';
import type { App, Chat, Person, Tenant } from './model.ts';
import type { AppOptions, ChatOptions, TenantOptions, UserOptions } from './options.ts';
import { allScopes, type Settings } from './settings.ts';

/** Who and what there is. What a test names is a name, `tenant/name`, or an id; each look-up throws an Error that lists what there is. */
export interface World {
  readonly apps: readonly App[];
  readonly people: readonly Person[];
  chats(): readonly Chat[];
  groups(tenant: Tenant): readonly UserGroup[];
  /** Default: the first one. */
  app(ref?: string): App;
  person(ref: string): Person;
  /** Also `@alice` for her talk with the first bot of her tenant, or `@alice:deploybot`. */
  chat(ref: string): Chat;
  chatById(id: string): Chat | undefined;
  /** Begins when one of the two first says something. */
  talk(person: Person, app: App): Chat;
  /** An app's own name for a user or a bot: another app has another one. */
  openId(app: App, whom: Person | App): string;
  /** @returns nothing for an id that is nobody's in the app's tenant */
  whoIs(app: App, idType: string, id: string): Person | 'of-another-app' | undefined;
}

export interface UserGroup {
  readonly id: string;
  readonly tenant: Tenant;
  readonly name: string;
  readonly members: ReadonlySet<Person>;
}

export function createWorld({ tenants }: Settings): World {
  const parts = Object.entries(tenants).map(([name, options]) => settle(name, options));
  const apps = parts.flatMap((part) => part.apps);
  const people = parts.flatMap((part) => part.people);
  const groups = parts.flatMap((part) => part.groups);
  const chats = new Map(parts.flatMap((part) => part.chats).map((chat) => [chat.id, chat]));
  const openId = (app: App, whom: Person | App): string =>
    derivedId('ou_', app.id, whom.kind, whom.kind === 'app' ? whom.id : whom.userId);

  const app = (ref?: string): App => (ref === undefined ? first(apps, 'app') : find('app', apps, ref));
  const talk = (person: Person, bot: App): Chat => {
    const id = derivedId('oc_', person.userId, bot.id);
    const made: Chat = {
      ...{ id, kind: 'p2p', tenant: person.tenant, name: '' },
      people: new Set([person]),
      bots: new Set([bot]),
    };
    const chat = chats.get(id) ?? made;
    chats.set(id, chat);
    return chat;
  };
  return {
    apps,
    people,
    chats: () => [...chats.values()],
    groups: (tenant) => groups.filter((group) => group.tenant === tenant),
    app,
    person: (ref) => find('user', people, ref),
    chat(ref) {
      const [, tenant = '', name, botName] = /^(.+\/)?@([^:]+)(?::(.+))?$/.exec(ref) ?? [];
      if (name === undefined) return find('chat', [...chats.values()], ref);
      const person = find('user', people, `${tenant}${name}`);
      const bots = apps.filter(({ tenant }) => tenant === person.tenant);
      return talk(person, botName === undefined ? first(bots, 'app') : find('app', bots, botName));
    },
    chatById: (id) => chats.get(id),
    talk,
    openId,
    whoIs(app, idType, id) {
      const own = people.filter(({ tenant }) => tenant === app.tenant);
      if (idType === 'user_id') return own.find(({ userId }) => userId === id);
      if (idType === 'union_id') return own.find(({ unionId }) => unionId === id);
      const found = own.find((person) => openId(app, person) === id);
      if (found || !apps.some((other) => people.some((person) => openId(other, person) === id))) return found;
      return 'of-another-app';
    },
  };
}

function settle(name: string, options: Required<TenantOptions>) {
  const tenant: Tenant = { key: derivedId('', 'tenant', name).slice(0, 16), name };
  const apps = Object.entries(options.apps).map(([appName, app]) => appOf(tenant, appName, app));
  const people = Object.entries(options.users).map(([userName, user]) => personOf(tenant, userName, user));
  const chats = Object.entries(options.chats).map(([chatName, chat]) =>
    chatOf(chatName, chat, { tenant, apps, people }),
  );
  const groups = Object.entries(options.groups).map(([groupName, members]): UserGroup => {
    const id = `g_${derivedId('', tenant.key, groupName).slice(0, 12)}`;
    return { id, tenant, name: groupName, members: new Set(members.map((member) => find('user', people, member))) };
  });
  return { apps, people, chats, groups };
}

const appOf = (tenant: Tenant, name: string, options: AppOptions): App => ({
  kind: 'app',
  tenant,
  name,
  botName: options.botName ?? name,
  id: options.id ?? newAppId(),
  secret: options.secret ?? newSecret(),
  encryptKey: options.encryptKey ?? '',
  verificationToken: options.verificationToken ?? newSecret(),
  scopes: new Set(options.scopes ?? allScopes),
});

const personOf = (tenant: Tenant, name: string, options: UserOptions): Person => ({
  kind: 'person',
  tenant,
  name,
  displayName: options.displayName ?? name.replace(/^./, (letter) => letter.toUpperCase()),
  locale: options.locale ?? 'en_us',
  userId: derivedId('', tenant.key, name).slice(0, 8),
  unionId: derivedId('on_', tenant.key, name),
});

interface Inhabitants {
  readonly tenant: Tenant;
  readonly apps: readonly App[];
  readonly people: readonly Person[];
}

const chatOf = (name: string, options: ChatOptions, { tenant, apps, people }: Inhabitants): Chat => ({
  id: newChatId(),
  kind: 'group',
  tenant,
  name,
  people: new Set(options.members?.map((member) => find('user', people, member)) ?? people),
  bots: new Set(options.bots?.map((bot) => find('app', apps, bot)) ?? apps),
});

interface Named {
  readonly name: string;
  readonly tenant: Tenant;
  readonly id?: string;
}

function find<T extends Named>(kind: string, all: readonly T[], ref: string): T {
  const found = all.filter((each) => [each.id, each.name, `${each.tenant.name}/${each.name}`].includes(ref));
  const [only] = found;
  if (only && found.length === 1) return only;
  const names = all.map((each) => `${each.tenant.name}/${each.name}`).join(', ');
  throw new Error(`${found.length === 0 ? 'no' : 'more than one'} ${kind} ${ref}; there are ${names}`);
}

function first<T>(all: readonly T[], kind: string): T {
  const [one] = all;
  if (one === undefined) throw new Error(`there is no ${kind}`);
  return one;
}
