import type { ChatFile, ChatPlatform, PlatformLimits, PostOptions } from '@moltbot/chat';
import { type Clock, hasCode, type Logger, MoltError, type Place } from '@moltbot/shared';
import type { Card } from './cards/card.ts';
import { createCardEdits, unstreamed } from './cards/card-edits.ts';
import { messageToCard } from './cards/message-to-card.ts';
import type { LarkApi, Saying } from './lark-api.ts';
import { isRefusal } from './sdk/api-error.ts';

export interface LarkPlatformDeps {
  /** Name of the bot in the configuration. */
  readonly name: string;
  readonly api: LarkApi;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What the pages of open.feishu.cn say, with some air: 5 messages a second in a chat, 10 changes of a card, 14 days. */
const limits: PlatformLimits = {
  tailCharacters: 6_000,
  fileBytes: 30 * 1024 * 1024,
  editEveryMs: 400,
  channel: { calls: 5, perMs: 1_000, reserve: 2 },
  editsPerMessage: 50_000,
  editableForMs: 13 * 24 * 3_600_000,
  hasAnsi: false,
};

/** After the app was refused cards that can be streamed, plain ones are sent for so long, ms. */
const plainForMs = 600_000;

type Content = Pick<Saying, 'type' | 'content'>;

/** open.feishu.cn, Upload image. */
const imageBytes = 10 * 1024 * 1024;

export function createLarkPlatform({ name, api, clock, log }: LarkPlatformDeps): ChatPlatform {
  const edits = createCardEdits({ api, clock });
  let plainUntil = Number.NEGATIVE_INFINITY;

  /** What a message holds that shows the card: by reference, so that the card can be streamed into. */
  const contentOf = async (card: Card, signal: AbortSignal): Promise<string> => {
    if (clock.monotonic() >= plainUntil) {
      try {
        const cardId = await api.createCard(JSON.stringify(card), signal);
        return JSON.stringify({ type: 'card', data: { card_id: cardId } });
      } catch (error) {
        if (!isRefusal(error, 'noScope')) throw error;
        log.warn({ err: error }, 'the app may not make card entities; sends cards that are changed whole');
        plainUntil = clock.monotonic() + plainForMs;
      }
    }
    return JSON.stringify(unstreamed(card));
  };
  /** A message of the thread, to be replied to: nothing else leads into it. */
  const rootOf = async (thread: string, signal: AbortSignal): Promise<string> => {
    if (thread.startsWith('om_')) return thread;
    const { items } = await api.history({ container: 'thread', id: thread, signal });
    const last = items.find(({ deleted }) => deleted !== true);
    if (!last) throw new MoltError('MOLT_CHAT_GONE', `thread ${thread} has no message`);
    return last.message_id;
  };
  const say = async (place: Place, saying: Saying, { replyTo, inThread }: Reply): Promise<string> => {
    if (replyTo !== undefined) {
      try {
        return await api.reply(replyTo, { ...saying, inThread });
      } catch (error) {
        if (!hasCode(error, 'MOLT_CHAT_GONE')) throw error;
        log.info({ message: replyTo }, 'the message that is answered is gone; answers beside it');
      }
    }
    if (place.thread === undefined) return api.send(place.channel, saying);
    return api.reply(await rootOf(place.thread, saying.signal), { ...saying, inThread: true });
  };
  const asFile = async (file: ChatFile, signal: AbortSignal): Promise<Content> => {
    const key = await api.upload(file, signal);
    return { type: 'file', content: JSON.stringify({ file_key: key, file_name: file.name }) };
  };
  /** Undefined for what is no image, or none for the platform. */
  const asImage = async (file: ChatFile, signal: AbortSignal): Promise<Content | undefined> => {
    if (!file.isImage || file.bytes.length > imageBytes) return undefined;
    try {
      return { type: 'image', content: JSON.stringify({ image_key: await api.uploadImage(file, signal) }) };
    } catch (error) {
      if (!hasCode(error, 'MOLT_CHAT_REFUSED')) throw error;
      log.info({ err: error, file: file.name }, 'the platform does not take it as an image; sends it as a file');
      return undefined;
    }
  };
  const attachOne = async (place: Place, file: ChatFile, options: PostOptions): Promise<void> => {
    const { nonce: uuid, replyTo, signal } = options;
    if (file.bytes.length > limits.fileBytes) {
      throw new MoltError('MOLT_CHAT_REFUSED', `${file.name} has ${file.bytes.length} bytes; Lark takes 30 MiB`);
    }
    const saying = (await asImage(file, signal)) ?? (await asFile(file, signal));
    await say(place, { ...saying, uuid, signal }, { replyTo, inThread: true });
  };

  return {
    name: 'lark',
    account: name,
    limits,
    async post(place, message, { nonce: uuid, replyTo, signal }) {
      const content = await contentOf(messageToCard(message), signal);
      const inThread = place.thread !== undefined;
      return say(place, { type: 'interactive', content, uuid, signal }, { replyTo, inThread });
    },
    edit: (_place, messageId, message, signal) => edits.edit(messageId, messageToCard(message), signal),
    async attach(place, files, options) {
      // The platform takes no empty file.
      const filled = files.filter(({ bytes }) => bytes.length > 0);
      for (const [index, file] of filled.entries()) {
        await attachOne(place, file, { ...options, nonce: `${options.nonce}.${index}` });
      }
    },
    async download(_place, { id, message, name: file }, options) {
      if (message === undefined) throw new MoltError('MOLT_CHAT_GONE', `${file} hangs on no message`);
      return api.download({ message, key: id }, options);
    },
  };
}

interface Reply {
  readonly replyTo: string | undefined;
  readonly inThread: boolean;
}
