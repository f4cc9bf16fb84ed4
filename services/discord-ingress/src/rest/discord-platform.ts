import { createHash } from 'node:crypto';
import type { ChatFile, ChatMessage, ChatPlatform, PlatformLimits, PostOptions } from '@moltbot/chat';
import type { Place } from '@moltbot/shared';
import { type RESTPostAPIChannelMessageResult, Routes } from 'discord-api-types/v10';
import { messageToPayload } from '../message/message-to-payload.ts';
import type { DiscordRest } from './discord-rest.ts';
import { download } from './download.ts';

export interface PlatformDeps {
  readonly account: string;
  /** Base URL of the API. */
  readonly api: string;
  readonly limits: PlatformLimits;
  readonly rest: DiscordRest;
}

/** A thread is a channel of its own. */
const channelOf = ({ channel, thread }: Place): string => thread ?? channel;

/** What the chat asks of Discord, over REST: any process can do it, whoever holds the gateway. */
export function createDiscordPlatform({ account, api, limits, rest }: PlatformDeps): ChatPlatform {
  const send = async (
    place: Place,
    body: object,
    options: PostOptions & { files?: readonly ChatFile[] },
  ): Promise<string> => {
    const { nonce, replyTo, files = [], signal } = options;
    const route = Routes.channelMessages(channelOf(place));
    const reference =
      replyTo === undefined ? {} : { message_reference: { message_id: replyTo, fail_if_not_exists: false } };
    // The same nonce comes to the same message for some minutes: an answer that got lost can be asked for again.
    const whole = { ...body, ...reference, nonce, enforce_nonce: true };
    const sent = await rest.call<RESTPostAPIChannelMessageResult>('post', route, { body: whole, files, signal });
    return sent.id;
  };
  return {
    name: 'discord',
    account,
    limits,
    post: (place, message, options) => send(place, messageToPayload(message), options),
    async edit(place: Place, messageId: string, message: ChatMessage, signal: AbortSignal) {
      await rest.call('patch', Routes.channelMessage(channelOf(place), messageId), {
        body: messageToPayload(message),
        signal,
      });
    },
    async attach(place, files, options) {
      for (const [index, some] of portions(files).entries()) {
        await send(
          place,
          { allowed_mentions: { parse: [] } },
          { ...options, files: some, nonce: nonceOf(options.nonce, index) },
        );
      }
    },
    download: (_place, { id }, options) => download({ url: id, api, ...options }),
  };
}

/** One message takes so many files, and one request so many bytes of them. */
const most = { files: 10, bytes: 20 * 1024 * 1024 } as const;

function portions(files: readonly ChatFile[]): ChatFile[][] {
  const all: ChatFile[][] = [];
  let bytes = 0;
  for (const file of files) {
    const last = all.at(-1);
    const fits = last && last.length < most.files && bytes + file.bytes.length <= most.bytes;
    bytes = fits ? bytes + file.bytes.length : file.bytes.length;
    if (fits) last.push(file);
    else all.push([file]);
  }
  return all;
}

/** At most 25 characters. */
const nonceOf = (nonce: string, portion: number): string =>
  portion === 0 ? nonce : createHash('sha256').update(`${nonce} ${portion}`).digest('base64url').slice(0, 25);
