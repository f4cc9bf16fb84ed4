import { refusal, tooOften } from './api-error.ts';
import { type Counters, count } from './counters.ts';
import { fieldsAt, textOf } from './fields.ts';
import type { Content, MessageContent } from './message-content.ts';
import type { Messages } from './messages.ts';
import { type App, bodyOf, type Chat, type StoredMessage } from './model.ts';
import { messagePayload } from './payloads.ts';
import { createRemembered } from './remembered.ts';
import { type ApiAnswer, type ApiRequest, type Route, route } from './router.ts';
import type { Settings } from './settings.ts';
import type { Windows } from './windows.ts';
import type { World } from './world.ts';

export interface MessageDeps {
  readonly settings: Settings;
  readonly world: World;
  readonly messages: Messages;
  readonly content: MessageContent;
  readonly windows: Windows;
  readonly counters: Counters;
}

const sending = ['im:message', 'im:message:send_as_bot'];

/** https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/reference/im-v1/message/create and the pages beside it */
export function createMessageRoutes(deps: MessageDeps): readonly Route[] {
  const { settings, world, messages, content, windows, counters } = deps;
  const sent = createRemembered<StoredMessage>(settings.timing.uuid);
  const { limits, timing } = settings;

  const payload = (message: StoredMessage, app: App): ApiAnswer => ({ data: messagePayload(message, app, world) });
  const own = (app: App, id: string): StoredMessage => {
    const message = messageFor(app, id, messages);
    if (message.author !== app) throw refusal('notSender');
    return message;
  };
  const demandRate = ({ chat }: { chat: Chat }): void => {
    const isGroup = chat.kind === 'group';
    if (windows.take(`chat ${chat.id}`, isGroup ? limits.perChat : limits.perUser) === undefined) return;
    throw tooOften(isGroup ? 'chat' : 'user');
  };
  /** Sends once for each uuid and chat in an hour; a repeated request is answered like the first. */
  const send = ({ app, fields }: ApiRequest, chat: Chat, place: { parent?: StoredMessage; inThread?: boolean }) => {
    if (!chat.bots.has(app)) throw refusal('notInChat');
    const uuid = textOf(fields['uuid']);
    if (uuid.length > 50) throw refusal('invalidMessage', 'uuid is too long.');
    const key = uuid === '' ? undefined : `${app.id} ${chat.id} ${uuid}`;
    const known = key === undefined ? undefined : sent.get(key);
    if (known) return payload(known, app);
    demandRate({ chat });
    const { body, mentions, entity } = content.read(app, fields['msg_type'], fields['content']);
    const message = messages.post({
      ...{ chat, author: app, body, mentions, uuid: uuid || undefined, cardId: entity?.id },
      ...place,
    });
    if (entity) entity.message = message;
    if (key !== undefined) sent.set(key, message);
    return payload(message, app);
  };

  return [
    route('POST', '/im/v1/messages', {
      scopes: sending,
      handle(request) {
        const type = request.query.get('receive_id_type') ?? '';
        return send(request, receiver(world, request.app, { type, id: textOf(request.fields['receive_id']) }), {});
      },
    }),
    route('POST', '/im/v1/messages/:message_id/reply', {
      scopes: sending,
      handle(request) {
        const parent = messageFor(request.app, request.params.message_id, messages);
        return send(request, parent.chat, { parent, inThread: request.fields['reply_in_thread'] === true });
      },
    }),
    route('PATCH', '/im/v1/messages/:message_id', {
      scopes: ['im:message', 'im:message:send_as_bot', 'im:message:update'],
      handle({ app, params, fields }) {
        const message = own(app, params.message_id);
        const body = bodyOf(message);
        if (body.type !== 'interactive') throw refusal('invalidMessage', 'This message is NOT a card.');
        if (Date.now() - message.createdAt > timing.cardLife) throw refusal('cardTooOld');
        if (windows.take(`message ${message.id}`, limits.perMessage) !== undefined) throw tooOften('message');
        // A card entity is changed by its own API; that this one refuses it stands on no page.
        if (message.cardId !== undefined) throw refusal('invalidMessage', 'the card is a card entity.');
        const card = content.readCard(app, fields['content']);
        for (const each of [body.card, card]) {
          const isShared = fieldsAt(each, 'config')['update_multi'] === true;
          if (!isShared)
            throw refusal('badCard', 'ErrCode: 300302; ErrMsg: update_multi must be true before and after;');
        }
        count(counters.edits, message.id);
        messages.change(message, { type: 'interactive', card });
        return { data: {} };
      },
    }),
    route('PUT', '/im/v1/messages/:message_id', {
      scopes: ['im:message', 'im:message:send_as_bot', 'im:message:update'],
      handle({ app, params, fields }) {
        const message = own(app, params.message_id);
        if (!['text', 'post'].includes(bodyOf(message).type)) throw refusal('wrongType');
        if (message.edits >= limits.edits) throw refusal('tooManyEdits');
        if (Date.now() - message.createdAt > timing.textLife) throw refusal('textTooOld');
        const next: Content = content.read(app, fields['msg_type'], fields['content']);
        if (!['text', 'post'].includes(next.body.type)) throw refusal('wrongType');
        message.edits += 1;
        count(counters.edits, message.id);
        messages.change(message, next.body, next.mentions);
        return payload(message, app);
      },
    }),
    route('DELETE', '/im/v1/messages/:message_id', {
      scopes: ['im:message', 'im:message:send_as_bot', 'im:message:recall'],
      handle({ app, params }) {
        const message = messageFor(app, params.message_id, messages);
        if (message.author !== app) throw refusal('noRecall');
        messages.remove(message);
        return { data: {} };
      },
    }),
  ];
}

/** A message of a chat that the bot is in. @throws ApiError */
export function visibleTo(app: App, id: string, messages: Messages): StoredMessage {
  const message = messages.get(id);
  if (!message || message.chat.tenant !== app.tenant) throw refusal('unknownMessage');
  if (!message.chat.bots.has(app)) throw refusal('notInChat');
  return message;
}

/** One that was not recalled. @throws ApiError */
function messageFor(app: App, id: string, messages: Messages): StoredMessage {
  const message = visibleTo(app, id, messages);
  if (message.deletedAt !== undefined) throw refusal('recalled');
  return message;
}

/** The chat behind an id. @throws ApiError */
function receiver(world: World, app: App, { type, id }: { readonly type: string; readonly id: string }): Chat {
  if (type === 'chat_id') {
    const chat = world.chatById(id);
    if (!chat) throw refusal('invalidMessage', 'invalid receive_id.');
    return chat;
  }
  if (!['open_id', 'union_id', 'user_id'].includes(type)) throw refusal('invalidMessage', 'invalid receive_id_type.');
  const person = world.whoIs(app, type, id);
  if (person === 'of-another-app') throw refusal('otherAppsOpenId');
  if (!person) throw refusal('invalidMessage', 'invalid receive_id.');
  return world.talk(person, app);
}
