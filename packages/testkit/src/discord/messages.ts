import {
  type APIMessage,
  type APIReaction,
  type APIUser,
  MessageFlags,
  MessageReferenceType,
  MessageType,
} from 'discord-api-types/v10';
import type { Changes } from './changes.ts';
import type { Mentions } from './mentions.ts';
import type { Channel, MessageVersion, Ping, StoredMessage } from './model.ts';
import { byAge } from './snowflakes.ts';
import type { World } from './world.ts';

/** What a message is made of. */
export interface MessageDraft {
  readonly channel: Channel;
  readonly author: APIUser;
  readonly mentions: Mentions;
  readonly content: string;
  readonly embeds?: APIMessage['embeds'];
  readonly components?: NonNullable<APIMessage['components']>;
  readonly attachments?: APIMessage['attachments'];
  /** Default 0. */
  readonly flags?: number;
  /** Default: a reply when there is a reference, else a plain message. */
  readonly type?: MessageType;
  readonly reference?: StoredMessage;
  readonly nonce?: string | number;
  /** User id; of an ephemeral message. */
  readonly onlyFor?: string;
  /** Of a message that answers an interaction. */
  readonly origin?: Pick<APIMessage, 'interaction_metadata' | 'application_id' | 'webhook_id'>;
}

export type MessagePatch = Partial<Pick<APIMessage, 'content' | 'embeds' | 'components' | 'attachments' | 'flags'>>;

export interface Reaction {
  readonly userId: string;
  /** The character. */
  readonly emoji: string;
  /** False takes it back. */
  readonly given: boolean;
}

export interface Page {
  readonly before?: string;
  readonly after?: string;
  readonly around?: string;
  readonly limit: number;
}

export interface Messages {
  post(draft: MessageDraft): StoredMessage;
  edit(message: StoredMessage, patch: MessagePatch): void;
  remove(message: StoredMessage): void;
  react(message: StoredMessage, reaction: Reaction): void;
  /** Neither deleted nor, without `evenEphemeral`, ephemeral. */
  find(channelId: string, id: string, options?: { readonly evenEphemeral?: boolean }): StoredMessage | undefined;
  /** By id, whatever became of it. */
  get(id: string): StoredMessage | undefined;
  /** Oldest first, with what was deleted and what only one user sees. */
  all(channel?: Channel): readonly StoredMessage[];
  /** Newest first. https://discord.com/developers/docs/resources/message#get-channel-messages */
  page(channel: Channel, page: Page): readonly StoredMessage[];
  pings(): readonly Ping[];
}

interface Deps {
  readonly world: World;
  readonly changes: Changes;
  readonly newId: () => string;
}

export function createMessages({ world, changes, newId }: Deps): Messages {
  const byId = new Map<string, StoredMessage>();
  const pings: Ping[] = [];
  const all = (channel?: Channel): readonly StoredMessage[] =>
    [...byId.values()].filter((message) => !channel || message.channel === channel);

  const find: Messages['find'] = (channelId, id, { evenEphemeral = false } = {}) => {
    const message = byId.get(id);
    if (!message || message.deletedAt !== undefined || message.channel.id !== channelId) return undefined;
    return message.onlyFor === undefined || evenEphemeral ? message : undefined;
  };
  return {
    post(draft) {
      const id = newId();
      const message: StoredMessage = {
        api: apiMessage(id, draft, world),
        channel: draft.channel,
        onlyFor: draft.onlyFor,
        versions: [],
        reactions: new Map(),
        deletedAt: undefined,
      };
      message.versions.push(versionOf(message.api));
      byId.set(id, message);
      if (draft.onlyFor === undefined) draft.channel.lastMessageId = id;
      pings.push(...draft.mentions.pings.map((ping) => ({ ...ping, messageId: id })));
      changes.ring({ kind: 'message-created', message });
      return message;
    },
    edit(message, patch) {
      Object.assign(message.api, patch, { edited_timestamp: new Date().toISOString() });
      message.versions.push(versionOf(message.api));
      changes.ring({ kind: 'message-edited', message });
    },
    remove(message) {
      message.deletedAt = Date.now();
      changes.ring({ kind: 'message-deleted', message });
    },
    react(message, { userId, emoji, given }) {
      const givers = reactionsOf(message, emoji);
      if (givers.has(userId) === given) return;
      if (given) givers.add(userId);
      else givers.delete(userId);
      message.api.reactions = apiReactions(message, world.bot.id);
      changes.ring({ kind: given ? 'reaction-added' : 'reaction-removed', message, userId, emoji });
    },
    find,
    get: (id) => byId.get(id),
    all,
    page(channel, { before, after, around, limit }) {
      const there = all(channel).filter(({ deletedAt, onlyFor }) => deletedAt === undefined && onlyFor === undefined);
      const older = (id: string) => there.filter(({ api }) => byAge(api, { id }) < 0);
      const newer = (id: string) => there.filter(({ api }) => byAge(api, { id }) > 0);
      if (after !== undefined) return newer(after).slice(0, limit).reverse();
      if (before !== undefined) return older(before).slice(-limit).reverse();
      if (around === undefined) return there.slice(-limit).reverse();
      const half = Math.floor(limit / 2);
      const centre = there.filter(({ api }) => api.id === around);
      return [...older(around).slice(-half), ...centre, ...newer(around).slice(0, half)].reverse();
    },
    pings: () => pings,
  };
}

function apiMessage(id: string, draft: MessageDraft, world: World): APIMessage {
  const { channel, reference, mentions, nonce } = draft;
  return {
    id,
    channel_id: channel.id,
    author: draft.author,
    type: draft.type ?? (reference ? MessageType.Reply : MessageType.Default),
    content: draft.content,
    timestamp: new Date().toISOString(),
    edited_timestamp: null,
    tts: false,
    mention_everyone: mentions.everyone,
    mentions: mentions.users.flatMap((userId) => world.findUser(userId) ?? []),
    mention_roles: [...mentions.roles],
    attachments: draft.attachments ?? [],
    embeds: draft.embeds ?? [],
    components: draft.components ?? [],
    pinned: false,
    flags: draft.flags ?? 0,
    ...(nonce === undefined ? {} : { nonce }),
    ...(reference ? referenceTo(reference) : {}),
    ...draft.origin,
  };
}

const referenceTo = ({ api, channel }: StoredMessage): Partial<APIMessage> => ({
  message_reference: {
    type: MessageReferenceType.Default,
    message_id: api.id,
    channel_id: channel.id,
    ...(channel.guild ? { guild_id: channel.guild.id } : {}),
  },
  referenced_message: withoutReferenced(api),
});

function reactionsOf({ reactions }: StoredMessage, emoji: string): Set<string> {
  const givers = reactions.get(emoji) ?? new Set();
  reactions.set(emoji, givers);
  return givers;
}

const apiReactions = ({ reactions }: StoredMessage, botId: string): APIReaction[] =>
  [...reactions].flatMap(([name, { size: count }]) => {
    const me = reactions.get(name)?.has(botId) ?? false;
    const details = { count_details: { burst: 0, normal: count }, burst_colors: [], me_burst: false };
    return count === 0 ? [] : [{ count, me, emoji: { id: null, name }, ...details }];
  });

/** Of a reply's reply the reference is named, the message is not repeated. */
function withoutReferenced({ referenced_message: _, ...message }: APIMessage): APIMessage {
  return message;
}

const versionOf = ({ content, embeds, components = [], attachments }: APIMessage): MessageVersion => ({
  at: Date.now(),
  content,
  embeds,
  components,
  files: attachments.map(({ filename }) => filename),
});

export const isLoading = ({ api }: StoredMessage): boolean => (Number(api.flags) & MessageFlags.Loading) !== 0;
