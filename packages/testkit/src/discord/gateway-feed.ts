import { type APIMessage, ChannelType, GatewayIntentBits as Intent } from 'discord-api-types/v10';
import type { Change, ReactionChange } from './changes.ts';
import { withoutContent } from './content-intent.ts';
import type { Dispatch, Session } from './gateway-session.ts';
import type { Channel, StoredMessage } from './model.ts';
import { channelPayload, memberPayload, threadPayload, typeOf } from './payloads.ts';
import { may } from './permissions.ts';
import type { World } from './world.ts';

/** An event for those sessions that may have it. */
export interface FeedEvent {
  readonly t: string;
  readonly channel: Channel;
  /** One of these intents; 0 is for everyone. */
  readonly intent: number;
  payload(session: Session): unknown;
}

/** Sessions get what their intents ask for, of the guilds of their shard; direct messages are the first shard's. */
export function wants(session: Session, { intent, channel }: FeedEvent): boolean {
  const [id, count] = session.shard;
  const shard = channel.guild ? Number((BigInt(channel.guild.id) >> 22n) % BigInt(count)) : 0;
  return shard === id && (intent === 0 || (session.intents & intent) !== 0);
}

export const dispatchOf = (event: FeedEvent, session: Session): Dispatch => ({ t: event.t, d: event.payload(session) });

/** What a change is to the gateway, if it is anything. https://discord.com/developers/docs/events/gateway-events */
export function feedOf(change: Change, world: World): FeedEvent | undefined {
  switch (change.kind) {
    case 'message-created':
      return messageEvent('MESSAGE_CREATE', change.message, world);
    case 'message-edited':
      return messageEvent('MESSAGE_UPDATE', change.message, world);
    case 'message-deleted':
      return deletion(change.message, world);
    case 'thread-created':
      return threadEvent('THREAD_CREATE', change.channel, { ...threadPayload(change.channel), newly_created: true });
    case 'thread-updated':
      return threadEvent('THREAD_UPDATE', change.channel, threadPayload(change.channel));
    case 'channel-deleted': {
      const { channel } = change;
      const event = channel.thread ? 'THREAD_DELETE' : 'CHANNEL_DELETE';
      return threadEvent(event, channel, channelPayload(channel, world));
    }
    case 'interaction':
      return { t: 'INTERACTION_CREATE', channel: change.channel, intent: 0, payload: () => change.interaction };
    case 'typing':
      return typing(change.channel, change.userId);
    default:
      return reaction(change, world);
  }
}

const guildOrDm = ({ guild }: Channel, inGuild: number, inDm: number): number => (guild ? inGuild : inDm);

function messageEvent(t: string, { api, channel, onlyFor }: StoredMessage, world: World): FeedEvent | undefined {
  if (onlyFor !== undefined || !may(channel, world.bot.id, 'ViewChannel')) return undefined;
  const { guild } = channel;
  return {
    t,
    channel,
    intent: guildOrDm(channel, Intent.GuildMessages, Intent.DirectMessages),
    payload({ intents }) {
      const full: APIMessage & Record<string, unknown> = {
        ...api,
        channel_type: typeOf(channel),
        ...(guild ? { guild_id: guild.id, member: memberPayload(guild, api.author.id) } : {}),
      };
      const isDm = typeOf(channel) === ChannelType.DM;
      return intents & Intent.MessageContent ? full : withoutContent(full, { botId: world.bot.id, isDm });
    },
  };
}

function deletion({ api, channel, onlyFor }: StoredMessage, world: World): FeedEvent | undefined {
  if (onlyFor !== undefined || !may(channel, world.bot.id, 'ViewChannel')) return undefined;
  const intent = guildOrDm(channel, Intent.GuildMessages, Intent.DirectMessages);
  return { t: 'MESSAGE_DELETE', channel, intent, payload: () => ({ id: api.id, ...placeOf(channel) }) };
}

const threadEvent = (t: string, channel: Channel, payload: unknown): FeedEvent => ({
  t,
  channel,
  intent: Intent.Guilds,
  payload: () => payload,
});

const placeOf = ({ id, guild }: Channel): Record<string, string> => ({
  channel_id: id,
  ...(guild ? { guild_id: guild.id } : {}),
});

const typing = (channel: Channel, userId: string): FeedEvent => ({
  t: 'TYPING_START',
  channel,
  intent: guildOrDm(channel, Intent.GuildMessageTyping, Intent.DirectMessageTyping),
  payload: () => ({ ...placeOf(channel), user_id: userId, timestamp: Math.floor(Date.now() / 1000) }),
});

function reaction({ kind, message, userId, emoji }: ReactionChange, world: World): FeedEvent {
  const { channel, api } = message;
  const user = world.findUser(userId);
  return {
    t: kind === 'reaction-added' ? 'MESSAGE_REACTION_ADD' : 'MESSAGE_REACTION_REMOVE',
    channel,
    intent: guildOrDm(channel, Intent.GuildMessageReactions, Intent.DirectMessageReactions),
    payload: () => ({
      user_id: userId,
      message_id: api.id,
      ...placeOf(channel),
      ...(channel.guild && kind === 'reaction-added'
        ? { member: { ...memberPayload(channel.guild, userId), user } }
        : {}),
      emoji: { id: null, name: emoji },
      message_author_id: api.author.id,
      burst: false,
      type: 0,
    }),
  };
}
