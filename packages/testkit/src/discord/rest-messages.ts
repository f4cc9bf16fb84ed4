import { type APIMessage, MessageType } from 'discord-api-types/v10';
import type { Access } from './access.ts';
import { ApiError, refusal } from './api-error.ts';
import type { Changes } from './changes.ts';
import { withoutContent } from './content-intent.ts';
import { createForm, type Fields, isFields } from './form.ts';
import type { MessageWriter } from './message-writer.ts';
import type { Messages, Page } from './messages.ts';
import type { Channel, StoredMessage } from './model.ts';
import { may } from './permissions.ts';
import { type ApiRequest, type Route, route } from './router.ts';
import type { Settings } from './settings.ts';
import type { World } from './world.ts';

export interface RestDeps {
  readonly settings: Settings;
  readonly world: World;
  readonly changes: Changes;
  readonly access: Access;
  readonly messages: Messages;
  readonly writer: MessageWriter;
}

/** https://discord.com/developers/docs/resources/message */
export function createMessageRoutes(deps: RestDeps): readonly Route[] {
  const { settings, world, changes, access, messages, writer } = deps;
  const nonces = createNonces(settings.timing.nonce);
  const oldEdits = createOldEdits(settings);
  const shown = (message: StoredMessage): APIMessage => {
    const readsContent = settings.grantedIntents.includes('MessageContent');
    const isDm = message.channel.guild === undefined;
    return readsContent ? message.api : withoutContent(message.api, { botId: world.bot.id, isDm });
  };
  const own = (channelId: string, messageId: string): StoredMessage => {
    const message = access.message(channelId, messageId);
    if (message.api.author.id !== world.bot.id) throw refusal('notYourMessage');
    return message;
  };

  return [
    route('POST', '/channels/:channel/messages', (request) => {
      const channel = access.channel(request.params.channel);
      demandSending(access, channel, request);
      refuseUnwilling(world, channel);
      const nonce = request.fields['enforce_nonce'] === true ? request.fields['nonce'] : undefined;
      const key = nonce === undefined || nonce === null ? undefined : `${channel.id} ${nonce}`;
      const sent = key === undefined ? undefined : nonces.get(key);
      if (sent) return { body: shown(sent) };
      const reference = referenced(request.fields, channel, { access, messages });
      const message = writer.write({
        body: request.fields,
        files: request.files,
        channel,
        author: world.bot,
        from: 'channel',
        ...(reference ? { reference } : {}),
      });
      if (key !== undefined) nonces.set(key, message);
      return { body: shown(message) };
    }),
    route('GET', '/channels/:channel/messages', ({ params, query }) => {
      const channel = access.channel(params.channel);
      const page = pageOf(query);
      if (!may(channel, world.bot.id, 'ReadMessageHistory')) return { body: [] };
      return { body: messages.page(channel, page).map(shown) };
    }),
    route('GET', '/channels/:channel/messages/:message', ({ params }) => ({
      body: shown(access.message(params.channel, params.message)),
    })),
    route('PATCH', '/channels/:channel/messages/:message', ({ params, fields, files }) => {
      const message = own(params.channel, params.message);
      if (message.channel.thread?.archived) throw refusal('archivedThread');
      oldEdits.take(message);
      writer.rewrite(message, fields, { files });
      return { body: message.api };
    }),
    route('DELETE', '/channels/:channel/messages/:message', ({ params }) => {
      const message = access.message(params.channel, params.message);
      if (message.api.author.id !== world.bot.id) access.demand(message.channel, ['ManageMessages']);
      messages.remove(message);
      return {};
    }),
    route('POST', '/channels/:channel/typing', ({ params }) => {
      const channel = access.channel(params.channel);
      changes.ring({ kind: 'typing', channel, userId: world.bot.id });
      return {};
    }),
    route('PUT', '/channels/:channel/messages/:message/reactions/:emoji/@me', ({ params }) => {
      const message = access.message(params.channel, params.message);
      access.demand(message.channel, ['AddReactions']);
      if (!isEmoji(params.emoji)) throw refusal('unknownEmoji');
      messages.react(message, { userId: world.bot.id, emoji: params.emoji, given: true });
      return {};
    }),
    route('DELETE', '/channels/:channel/messages/:message/reactions/:emoji/@me', ({ params }) => {
      const message = access.message(params.channel, params.message);
      messages.react(message, { userId: world.bot.id, emoji: params.emoji, given: false });
      return {};
    }),
  ];
}

const isEmoji = (text: string): boolean => /^(\p{RGI_Emoji}|\p{Extended_Pictographic})$/v.test(text);

function demandSending(access: Access, channel: Channel, { fields, files }: ApiRequest): void {
  access.demand(channel, [channel.thread ? 'SendMessagesInThreads' : 'SendMessages']);
  if (Array.isArray(fields['embeds']) && fields['embeds'].length > 0) access.demand(channel, ['EmbedLinks']);
  if (files.length > 0) access.demand(channel, ['AttachFiles']);
}

/** A user who takes no direct messages of the bot. */
function refuseUnwilling(world: World, channel: Channel): void {
  const unwilling = world.people.some(({ user, acceptsDms }) => !acceptsDms && channel.recipients.includes(user.id));
  if (!channel.guild && unwilling) throw refusal('cannotMessageUser');
}

/** The message that is replied to; none when it is gone and the reply does not insist. */
function referenced(
  fields: Fields,
  channel: Channel,
  { access, messages }: Pick<RestDeps, 'access' | 'messages'>,
): StoredMessage | undefined {
  const reference = fields['message_reference'];
  if (!isFields(reference)) return undefined;
  access.demand(channel, ['ReadMessageHistory'], 'cannotReplyWithoutHistory');
  const found = messages.find(channel.id, String(reference['message_id']));
  if (!found && reference['fail_if_not_exists'] !== false) {
    const form = createForm();
    form.add(['message_reference'], 'MESSAGE_REFERENCE_UNKNOWN_MESSAGE', 'Unknown message');
    form.done();
  }
  return found && found.api.type !== MessageType.ThreadStarterMessage ? found : undefined;
}

function pageOf(query: URLSearchParams): Page {
  const limit = Number(query.get('limit') ?? 50);
  const form = createForm();
  if (!(limit >= 1 && limit <= 100)) {
    form.add(['limit'], 'NUMBER_TYPE_MAX', 'int value should be between 1 and 100.');
  }
  const ways = (['before', 'after', 'around'] as const).filter((name) => query.has(name));
  if (ways.length > 1) form.add([], 'BASE_TYPE_EXCLUSIVE', 'before, after and around are mutually exclusive.');
  form.done();
  return { limit, ...Object.fromEntries(ways.map((name) => [name, query.get(name)])) };
}

/** Nonces that were to be enforced, for "the past few minutes". */
function createNonces(
  forMs: number,
): Pick<Map<string, StoredMessage>, 'get'> & { set(key: string, value: StoredMessage): void } {
  const known = new Map<string, { readonly message: StoredMessage; readonly until: number }>();
  return {
    get(key) {
      const entry = known.get(key);
      return entry && entry.until > Date.now() ? entry.message : undefined;
    },
    set(key, message) {
      known.set(key, { message, until: Date.now() + forMs });
    },
  };
}

/**
 * Edits of messages that are older than an hour are counted for each channel, and refused with status 429 and code 30046.
 * Neither the figures nor the status are documented: https://github.com/discord/discord-api-docs/issues/4413
 */
function createOldEdits({ timing, limits }: Settings): { take(message: StoredMessage): void } {
  const recent = new Map<string, readonly number[]>();
  return {
    take({ api, channel }) {
      const now = Date.now();
      if (now - Date.parse(api.timestamp) < timing.oldMessage) return;
      const { limit, windowMs } = limits.oldEdits;
      const made = (recent.get(channel.id) ?? []).filter((at) => at > now - windowMs);
      if (made.length >= limit) {
        const retryAfter = (windowMs - (now - (made[0] ?? now))) / 1000;
        throw new ApiError(429, {
          code: 30046,
          message: 'Maximum number of edits to messages older than 1 hour reached. Try again later',
          details: { retry_after: retryAfter, global: false },
          headers: { 'retry-after': String(Math.ceil(retryAfter)), 'x-ratelimit-scope': 'shared' },
        });
      }
      recent.set(channel.id, [...made, now]);
    },
  };
}
