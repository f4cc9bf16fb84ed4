import { type APIRole, type APIUser, OverwriteType } from 'discord-api-types/v10';
import { type Channel, type Guild, type Membership, noFlags, type Person, type Thread } from './model.ts';
import type { ChannelOptions, GuildOptions, RoleOptions } from './options.ts';
import { bitsOf, botDefaults, everyoneDefaults } from './permissions.ts';
import type { Settings } from './settings.ts';

/** Who and what there is. */
export interface World {
  readonly applicationId: string;
  readonly bot: APIUser;
  readonly people: readonly Person[];
  readonly guilds: readonly Guild[];
  /** Channels, threads and direct messages, in the order they were made. */
  channels(): readonly Channel[];
  /** By id or username. @throws an Error that lists who there is */
  person(reference: string): Person;
  /** By id or name. @throws an Error that lists what there is */
  guild(reference: string): Guild;
  /** By id, `name`, `guild/name`, or `@username` for the direct messages of a user with the bot. @throws as above */
  channel(reference: string): Channel;
  findUser(id: string): APIUser | undefined;
  findChannel(id: string): Channel | undefined;
  openDm(userId: string): Channel;
  openThread(opening: { parent: Channel; id: string; name: string; thread: Thread }): Channel;
  removeChannel(id: string): void;
}

export function createWorld(settings: Settings, newId: () => string): World {
  const bot = userOf(newId(), settings.bot, { bot: true });
  const people = Object.entries(settings.users).map(
    ([username, { displayName, locale = 'en-US', acceptsDms = true }]): Person => ({
      user: userOf(newId(), username, displayName === undefined ? {} : { displayName }),
      locale,
      acceptsDms,
    }),
  );
  const guilds: Guild[] = [];
  const channels = new Map<string, Channel>();
  const add = (channel: Channel): Channel => {
    channels.set(channel.id, channel);
    return channel;
  };
  for (const [name, options] of Object.entries(settings.guilds)) {
    const guild = guildOf(name, options, { bot, people, newId });
    guilds.push(guild);
    for (const [channelName, channelOptions] of Object.entries(options.channels ?? { general: {}, ops: {} })) {
      add(channelOf(newId(), channelName, guild, { options: channelOptions, bot, people }));
    }
  }
  const openDm = (userId: string): Channel => {
    const known = [...channels.values()].find(({ guild, recipients }) => !guild && recipients.includes(userId));
    return known ?? add({ ...emptyChannel(newId(), ''), recipients: [userId, bot.id] });
  };
  const person = (reference: string): Person => {
    const found = people.find(({ user }) => user.id === reference || user.username === reference);
    return (
      found ??
      unknown(
        'user',
        reference,
        people.map(({ user }) => user.username),
      )
    );
  };
  return {
    applicationId: bot.id,
    bot,
    people,
    guilds,
    channels: () => [...channels.values()],
    person,
    guild(reference) {
      const found = guilds.find(({ id, name }) => id === reference || name === reference);
      return (
        found ??
        unknown(
          'guild',
          reference,
          guilds.map(({ name }) => name),
        )
      );
    },
    channel(reference) {
      if (reference.startsWith('@')) return openDm(person(reference.slice(1)).user.id);
      const all = [...channels.values()];
      const [found, another] = all.filter(({ id, name, guild }) =>
        [id, name, `${guild?.name}/${name}`].includes(reference),
      );
      if (found && another) throw new Error(`channel ${reference} is in several guilds: write guild/${reference}`);
      return (
        found ??
        unknown(
          'channel',
          reference,
          all.map(({ guild, name }) => `${guild?.name}/${name}`),
        )
      );
    },
    findUser: (id) => (id === bot.id ? bot : people.find(({ user }) => user.id === id)?.user),
    findChannel: (id) => channels.get(id),
    openDm,
    openThread: ({ parent, id, name, thread }) =>
      add({ ...emptyChannel(id, name), guild: parent.guild, parent, thread }),
    removeChannel(id) {
      channels.delete(id);
    },
  };
}

function unknown(kind: string, reference: string, known: readonly string[]): never {
  throw new Error(`no ${kind} ${reference}; there are ${known.join(', ')}`);
}

const userOf = (id: string, username: string, more: { bot?: true; displayName?: string }): APIUser => ({
  id,
  username,
  discriminator: more.bot ? '0000' : '0',
  global_name: more.displayName ?? null,
  avatar: null,
  flags: noFlags,
  public_flags: noFlags,
  primary_guild: null,
  ...(more.bot ? { bot: true } : {}),
});

interface Inhabitants {
  readonly bot: APIUser;
  readonly people: readonly Person[];
}

function guildOf(
  name: string,
  options: GuildOptions,
  { bot, people, newId }: Inhabitants & { newId: () => string },
): Guild {
  const id = newId();
  const everyone = roleOf(id, '@everyone', { permissions: everyoneDefaults }, 0);
  const named = Object.entries(options.roles ?? {}).map(([roleName, role], index) =>
    roleOf(newId(), roleName, role, index + 1),
  );
  const own = roleOf(newId(), bot.username, { permissions: options.botPermissions ?? botDefaults }, named.length + 1);
  const roles = [everyone, ...named, { ...own, managed: true, tags: { bot_id: bot.id } }];
  const roleIds = (names: readonly string[]): string[] =>
    names.map((wanted) => {
      const found = named.find((role) => role.name === wanted);
      return (
        found?.id ??
        unknown(
          'role',
          wanted,
          named.map((role) => role.name),
        )
      );
    });
  const usernames = Object.entries(
    options.members ?? Object.fromEntries(people.map(({ user }) => [user.username, []])),
  );
  const joinedAt = new Date().toISOString();
  const members = usernames.map(([username, names]): [string, Membership] => {
    const found = people.find(({ user }) => user.username === username);
    const userId =
      found?.user.id ??
      unknown(
        'user',
        username,
        people.map(({ user }) => user.username),
      );
    return [userId, { roles: roleIds(names), joinedAt }];
  });
  const owner = people.find(({ user }) => user.username === options.owner)?.user.id;
  return {
    id,
    name,
    locale: options.locale ?? 'en-US',
    ownerId: owner ?? members[0]?.[0] ?? newId(),
    roles: new Map(roles.map((role) => [role.id, role])),
    members: new Map([...members, [bot.id, { roles: [own.id], joinedAt }]]),
  };
}

const roleOf = (id: string, name: string, role: RoleOptions, position: number): APIRole => ({
  id,
  name,
  color: role.color ?? 0,
  colors: { primary_color: role.color ?? 0, secondary_color: null, tertiary_color: null },
  hoist: false,
  position,
  permissions: String(bitsOf(role.permissions ?? [])),
  managed: false,
  mentionable: role.mentionable ?? false,
  flags: noFlags,
});

const emptyChannel = (id: string, name: string): Channel => ({
  id,
  name,
  topic: null,
  guild: undefined,
  overwrites: [],
  recipients: [],
  parent: undefined,
  thread: undefined,
  lastMessageId: null,
});

function channelOf(
  id: string,
  name: string,
  guild: Guild,
  { options, bot, people }: Inhabitants & { options: ChannelOptions },
): Channel {
  const roles = [...guild.roles.values()];
  const overwrites = Object.entries(options.permissions ?? {}).map(([whom, { allow = [], deny = [] }]) => {
    const member = [bot, ...people.map(({ user }) => user)].find(({ username }) => username === whom);
    const role = roles.find((candidate) => candidate.name === whom && !candidate.managed);
    const target =
      member ??
      role ??
      unknown(
        'role or user',
        whom,
        roles.map((candidate) => candidate.name),
      );
    return {
      id: target.id,
      type: member ? OverwriteType.Member : OverwriteType.Role,
      allow: String(bitsOf(allow)),
      deny: String(bitsOf(deny)),
    };
  });
  return { ...emptyChannel(id, name), topic: options.topic ?? null, guild, overwrites };
}
