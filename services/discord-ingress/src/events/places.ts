import type { DiscordConfig, Place } from '@moltbot/shared';
import { hasCode } from '@moltbot/shared';
import { type APIChannel, type APIGuild, ChannelType, Routes } from 'discord-api-types/v10';
import type { DiscordRest } from '../rest/discord-rest.ts';

/** What is known of a guild beside its configuration. */
export interface GuildFacts {
  readonly locale?: string | undefined;
  /** The role that came with the bot: people pick it when they mean the bot. */
  readonly botRole?: string | undefined;
}

/** Where things are: threads in their channels, and which of it is listened to. */
export interface Places {
  /** Undefined when the channel is not listened to. @throws MOLT_CHAT_DOWN when a thread's channel cannot be asked for */
  placeOf(where: Where): Promise<Place | undefined>;
  /** The tenant of a place; undefined when it is nobody's. */
  tenantOf(place: Pick<Place, 'guild'>): string | undefined;
  /** Never rejects: what cannot be learnt is left out. */
  guild(guildId: string): Promise<GuildFacts>;
}

export interface Where {
  readonly guild?: string | undefined;
  readonly channel: string;
  /** Of a thread; undefined when it is not known. */
  readonly parent?: string | undefined;
  /** Undefined when it is not known. */
  readonly type?: ChannelType | undefined;
}

export interface PlacesDeps {
  readonly config: Pick<DiscordConfig, 'guilds' | 'directMessages'>;
  readonly rest: DiscordRest;
  botId(): string | undefined;
}

const threadTypes: readonly ChannelType[] = [
  ChannelType.PublicThread,
  ChannelType.PrivateThread,
  ChannelType.AnnouncementThread,
];
export const isThread = (type: ChannelType | undefined): boolean => type !== undefined && threadTypes.includes(type);

/** As many are remembered, at most. */
const mostParents = 10_000;
/** Commands do not wait longer for what is only good to know. */
const guildWithinMs = 1_500;

export function createPlaces({ config, rest, botId }: PlacesDeps): Places {
  /** By id of the channel: the channel that it is a thread of, or none. */
  const parents = new Map<string, string | undefined>();
  const guilds = new Map<string, Promise<GuildFacts>>();

  const remember = (channel: string, parent: string | undefined): string | undefined => {
    const oldest = parents.size >= mostParents ? parents.keys().next().value : undefined;
    if (oldest !== undefined) parents.delete(oldest);
    parents.set(channel, parent);
    return parent;
  };
  const parentOf = async ({ channel, parent, type }: Where): Promise<string | undefined> => {
    if (parent !== undefined) return remember(channel, parent);
    if (parents.has(channel)) return parents.get(channel);
    if (type !== undefined && !isThread(type)) return undefined;
    const found = await rest.call<APIChannel>('get', Routes.channel(channel));
    return remember(channel, isThread(found.type) && 'parent_id' in found ? (found.parent_id ?? undefined) : undefined);
  };
  const askGuild = async (guildId: string): Promise<GuildFacts> => {
    const signal = AbortSignal.timeout(guildWithinMs);
    const { preferred_locale: locale, roles } = await rest.call<APIGuild>('get', Routes.guild(guildId), { signal });
    return { locale, botRole: roles.find(({ tags }) => tags?.bot_id !== undefined && tags.bot_id === botId())?.id };
  };

  return {
    async placeOf(where) {
      const { guild, channel } = where;
      if (guild === undefined) return { channel };
      const space = config.guilds[guild];
      if (!space) return undefined;
      const parent = await parentOf(where);
      const place: Place = parent === undefined ? { guild, channel } : { guild, channel: parent, thread: channel };
      const isListened =
        space.channels.length === 0 || space.channels.includes(place.channel) || space.channels.includes(channel);
      return isListened ? place : undefined;
    },
    tenantOf: ({ guild }) => (guild === undefined ? config.directMessages : config.guilds[guild]?.tenant),
    guild(guildId) {
      const known = guilds.get(guildId);
      if (known) return known;
      const asked = askGuild(guildId).catch((error: unknown): GuildFacts => {
        // It is asked for again with the next event, but for what is not to be had.
        if (!hasCode(error, 'MOLT_CHAT_REFUSED')) guilds.delete(guildId);
        return {};
      });
      guilds.set(guildId, asked);
      return asked;
    },
  };
}
