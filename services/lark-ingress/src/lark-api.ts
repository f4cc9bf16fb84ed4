import { isMoltError, type LarkConfig, type Logger, MoltError } from '@moltbot/shared';
import { z } from 'zod';
import { failureIn, failureOf, isRefusal, toMoltError } from './sdk/api-error.ts';
import { createLarkSdk, type LarkSdk, type SdkRequest } from './sdk/lark-sdk.ts';

/** What is said, in the platform's words. */
export interface LarkFile {
  readonly name: string;
  readonly bytes: Buffer;
}

export interface Saying {
  readonly type: 'interactive' | 'file' | 'image';
  /** JSON. */
  readonly content: string;
  /** Requests with the same one come to one message, for an hour. At most 50 characters. */
  readonly uuid: string;
  readonly signal: AbortSignal;
}

export interface CardChange {
  readonly cardId: string;
  /** Greater than that of any change before. */
  readonly sequence: number;
  readonly uuid: string;
  readonly signal: AbortSignal;
}

/** A message as the history has it, in the words of the wire. */
export interface HistoryItem {
  readonly message_id: string;
  readonly thread_id?: string | undefined;
  readonly parent_id?: string | undefined;
  readonly msg_type: string;
  /** Epoch milliseconds. */
  readonly create_time: string;
  readonly deleted?: boolean | undefined;
  readonly chat_id: string;
  readonly sender: { readonly id: string; readonly sender_type: string };
  readonly body: { readonly content: string };
  readonly mentions?: readonly { readonly key: string; readonly id: string; readonly name: string }[] | undefined;
}

export interface HistoryQuery {
  readonly container: 'chat' | 'thread';
  readonly id: string;
  readonly cursor?: string | undefined;
  readonly signal: AbortSignal;
}

export interface HistoryPage {
  /** Newest first. */
  readonly items: readonly HistoryItem[];
  readonly cursor?: string | undefined;
}

export interface Member {
  readonly id: string;
  readonly name: string;
}

/** The calls of the open platform that are used here. Rejections are the MoltErrors of `ChatPlatform`, with `details.larkCode`. */
export interface LarkApi {
  /** @param to id of a chat, or open id of a user @returns the id of the message */
  send(to: string, saying: Saying): Promise<string>;
  /** @returns the id of the message */
  reply(to: string, saying: Saying & { readonly inThread: boolean }): Promise<string>;
  /** Changes a card that is no card entity. */
  patch(messageId: string, card: string, signal: AbortSignal): Promise<void>;
  /** Makes a card entity. @returns its id */
  createCard(card: string, signal: AbortSignal): Promise<string>;
  /** The card entity that a message shows; undefined when it shows none. */
  cardOf(messageId: string, signal: AbortSignal): Promise<string | undefined>;
  updateCard(card: string, change: CardChange): Promise<void>;
  /** The whole text of one element, which appears bit by bit. */
  streamText(text: { readonly elementId: string; readonly content: string }, change: CardChange): Promise<void>;
  /** @returns the key of the file */
  upload(file: LarkFile, signal: AbortSignal): Promise<string>;
  /** Its key. JPEG, PNG, WEBP or GIF of up to 10 MiB. */
  uploadImage(image: LarkFile, signal: AbortSignal): Promise<string>;
  /** @throws MOLT_CHAT_REFUSED when it is larger than `maxBytes` */
  download(
    file: { readonly message: string; readonly key: string },
    options: { readonly maxBytes: number; readonly signal: AbortSignal },
  ): Promise<Buffer>;
  history(query: HistoryQuery): Promise<HistoryPage>;
  message(id: string, signal: AbortSignal): Promise<HistoryItem | undefined>;
  members(chat: string, signal: AbortSignal): Promise<readonly Member[]>;
  /** What a user is called; undefined when the app may not know it. */
  userName(id: string, signal: AbortSignal): Promise<string | undefined>;
  /** Open id of the bot. */
  botId(signal: AbortSignal): Promise<string>;
  readonly connect: LarkSdk['connect'];
}

const timeoutMs = 15_000;
const maxMemberPages = 50;

const HistoryItem: z.ZodType<HistoryItem> = z.object({
  message_id: z.string(),
  thread_id: z.string().optional(),
  parent_id: z.string().optional(),
  msg_type: z.string(),
  create_time: z.string(),
  deleted: z.boolean().optional(),
  chat_id: z.string(),
  sender: z.object({ id: z.string(), sender_type: z.string() }),
  body: z.object({ content: z.string() }),
  mentions: z.array(z.object({ key: z.string(), id: z.string(), name: z.string() })).optional(),
});
const Paged = { has_more: z.boolean().optional(), page_token: z.string().optional() };
const Sent = z.object({ message_id: z.string() });
const CardMade = z.object({ card_id: z.string() });
const Uploaded = z.object({ file_key: z.string() });
const UploadedImage = z.object({ image_key: z.string() });
const History = z.object({ items: z.array(HistoryItem).optional(), ...Paged });
const Members = z.object({
  items: z.array(z.object({ member_id: z.string(), name: z.string() })).optional(),
  ...Paged,
});
const User = z.object({ user: z.object({ name: z.string().optional() }) });
const nothing = z.unknown();

const cursorOf = ({ has_more, page_token }: { has_more?: boolean | undefined; page_token?: string | undefined }) =>
  has_more && page_token ? page_token : undefined;

export function createLarkApi(config: Pick<LarkConfig, 'appId' | 'appSecret' | 'api'>, log: Logger): LarkApi {
  const { appId, appSecret, api: domain } = config;
  const sdk = createLarkSdk({ appId, appSecret: appSecret.reveal(), domain: domain.replace(/\/+$/, ''), timeoutMs });
  const ask = createAsk(sdk, log);
  const call = async <T>(schema: z.ZodType<T>, request: SdkRequest): Promise<T> => {
    const body = z.object({ data: z.unknown() }).safeParse(await ask(request));
    return understood(schema, body.data?.data, request);
  };

  return {
    connect: sdk.connect,
    async send(to, { type, content, uuid, signal }) {
      const params = { receive_id_type: to.startsWith('ou_') ? 'open_id' : 'chat_id' };
      const data = { receive_id: to, msg_type: type, content, uuid };
      const path = '/open-apis/im/v1/messages';
      return (await call(Sent, { method: 'POST', path, params, data, signal })).message_id;
    },
    async reply(to, { type, content, uuid, inThread, signal }) {
      const data = { msg_type: type, content, uuid, reply_in_thread: inThread };
      const path = `/open-apis/im/v1/messages/${to}/reply`;
      return (await call(Sent, { method: 'POST', path, data, signal })).message_id;
    },
    async patch(messageId, card, signal) {
      const path = `/open-apis/im/v1/messages/${messageId}`;
      await call(nothing, { method: 'PATCH', path, data: { content: card }, signal });
    },
    async createCard(card, signal) {
      const data = { type: 'card_json', data: card };
      return (await call(CardMade, { method: 'POST', path: '/open-apis/cardkit/v1/cards', data, signal })).card_id;
    },
    async cardOf(messageId, signal) {
      const path = '/open-apis/cardkit/v1/cards/id_convert';
      try {
        return (await call(CardMade, { method: 'POST', path, data: { message_id: messageId }, signal })).card_id;
      } catch (error) {
        if (isRefusal(error, 'noCardEntity') || isRefusal(error, 'noScope')) return undefined;
        throw error;
      }
    },
    async updateCard(card, { cardId, sequence, uuid, signal }) {
      const data = { card: { type: 'card_json', data: card }, sequence, uuid };
      await call(nothing, { method: 'PUT', path: `/open-apis/cardkit/v1/cards/${cardId}`, data, signal });
    },
    async streamText({ elementId, content }, { cardId, sequence, uuid, signal }) {
      const path = `/open-apis/cardkit/v1/cards/${cardId}/elements/${elementId}/content`;
      await call(nothing, { method: 'PUT', path, data: { content, sequence, uuid }, signal });
    },
    async upload({ name, bytes }, signal) {
      const file = { field: 'file', name, bytes };
      const data = { file_type: 'stream', file_name: name };
      return (await call(Uploaded, { method: 'POST', path: '/open-apis/im/v1/files', data, file, signal })).file_key;
    },
    async uploadImage({ name, bytes }, signal) {
      const file = { field: 'image', name, bytes };
      const data = { image_type: 'message' };
      return (await call(UploadedImage, { method: 'POST', path: '/open-apis/im/v1/images', data, file, signal }))
        .image_key;
    },
    async download({ message, key }, { maxBytes, signal }) {
      const path = `/open-apis/im/v1/messages/${message}/resources/${key}`;
      const body = await ask({ method: 'GET', path, params: { type: 'file' }, maxBytes, signal });
      if (Buffer.isBuffer(body)) return body;
      throw new MoltError('MOLT_CHAT_DOWN', `GET ${path}: the answer holds no file`);
    },
    async history({ container, id, cursor, signal }) {
      const params = {
        ...{ container_id_type: container, container_id: id, sort_type: 'ByCreateTimeDesc', page_size: 50 },
        ...(cursor === undefined ? {} : { page_token: cursor }),
      };
      const page = await call(History, { method: 'GET', path: '/open-apis/im/v1/messages', params, signal });
      return { items: page.items ?? [], cursor: cursorOf(page) };
    },
    async message(id, signal) {
      const { items } = await call(History, { method: 'GET', path: `/open-apis/im/v1/messages/${id}`, signal });
      return items?.[0];
    },
    async members(chat, signal) {
      const path = `/open-apis/im/v1/chats/${chat}/members`;
      const found: Member[] = [];
      let cursor: string | undefined;
      for (let page = 0; page < maxMemberPages; page += 1) {
        const params = { member_id_type: 'open_id', page_size: 100, ...(cursor ? { page_token: cursor } : {}) };
        const answer = await call(Members, { method: 'GET', path, params, signal });
        found.push(...(answer.items ?? []).map(({ member_id: member, name }) => ({ id: member, name })));
        cursor = cursorOf(answer);
        if (cursor === undefined) break;
      }
      return found;
    },
    async userName(id, signal) {
      const path = `/open-apis/contact/v3/users/${id}`;
      return (await call(User, { method: 'GET', path, params: { user_id_type: 'open_id' }, signal })).user.name;
    },
    async botId(signal) {
      const request = { method: 'GET', path: '/open-apis/bot/v3/info', signal } as const;
      const Info = z.object({ bot: z.object({ open_id: z.string() }) });
      return understood(Info, await ask(request), request).bot.open_id;
    },
  };
}

/** Asks, and once more with a new token where the old one was taken back. @returns a body that is a success */
function createAsk({ request: send, forgetToken }: LarkSdk, log: Logger) {
  const once = async (request: SdkRequest): Promise<unknown> => {
    const what = `${request.method} ${request.path}`;
    try {
      const body = await send(request);
      const failure = failureIn(body);
      if (failure) throw toMoltError(failure, what, undefined);
      return body;
    } catch (error) {
      if (isMoltError(error)) throw error;
      if (request.signal.aborted) throw request.signal.reason;
      const failure = failureOf(error);
      const isTooBig = failure.status === undefined && failure.message.includes('maxContentLength');
      throw toMoltError(isTooBig ? { ...failure, status: 400 } : failure, what, redacted(error));
    }
  };
  return async (request: SdkRequest): Promise<unknown> => {
    try {
      return await once(request);
    } catch (error) {
      if (!isRefusal(error, 'tokenRevoked')) throw error;
      log.info({ path: request.path }, 'the access token was taken back; asks for a new one');
      forgetToken();
      return once(request);
    }
  };
}

/** The errors of the HTTP library hold the whole request, its token among it. */
function redacted(error: unknown): Error {
  const { status, code } = failureOf(error);
  const message = error instanceof Error ? error.message : String(error);
  return new Error(`${message} (status ${status ?? 'none'}, code ${code ?? 'none'})`);
}

function understood<T>(schema: z.ZodType<T>, body: unknown, { method, path }: Pick<SdkRequest, 'method' | 'path'>): T {
  const { data, error } = schema.safeParse(body);
  if (error) throw new MoltError('MOLT_CHAT_DOWN', `${method} ${path}: the answer has another shape`, { cause: error });
  return data;
}
