import type { Handover } from './connection.ts';
import type { Deliveries } from './deliveries.ts';
import type { Fields } from './fields.ts';
import { type App, type Chat, mentionsOf, type Person, type StoredMessage } from './model.ts';
import { receiveEvent, userIds } from './payloads.ts';
import type { World } from './world.ts';

/** What a user did to a card. */
export interface CardAction {
  readonly message: StoredMessage;
  readonly person: Person;
  readonly token: string;
  readonly action: Fields;
}

/** Tells apps what happens. */
export interface Events {
  /** To the apps that may hear it: of a group all, or what mentions their bot, as their scopes say. */
  said(message: StoredMessage): void;
  recalled(message: StoredMessage): void;
  read(message: StoredMessage, reader: Person): void;
  botAdded(chat: Chat, app: App, operator: Person): void;
  botRemoved(chat: Chat, app: App, operator: Person): void;
  /** Resolves with the answer of the app whose card it is. */
  pressed(app: App, action: CardAction): Promise<Handover>;
}

export function createEvents(deliveries: Deliveries, world: World): Events {
  const hears = (app: App, message: StoredMessage): boolean => {
    if (message.chat.kind === 'p2p') return app.scopes.has('im:message.p2p_msg:readonly');
    if (app.scopes.has('im:message.group_msg')) return true;
    return app.scopes.has('im:message.group_at_msg:readonly') && mentionsOf(message).some(({ whom }) => whom === app);
  };
  const botEvent = (chat: Chat, app: App, operator: Person): object => ({
    chat_id: chat.id,
    operator_id: userIds(operator, app, world),
    external: false,
    operator_tenant_key: operator.tenant.key,
    name: chat.name,
    i18n_names: { zh_cn: '', en_us: '', ja_jp: '' },
  });
  return {
    said(message) {
      for (const app of message.chat.bots) {
        if (!hears(app, message)) continue;
        deliveries.send({ app, type: 'im.message.receive_v1', event: receiveEvent(message, app, world) });
      }
    },
    recalled(message) {
      const { id, chat, deletedAt } = message;
      const event = {
        message_id: id,
        chat_id: chat.id,
        recall_time: String(deletedAt),
        recall_type: 'message_owner',
      };
      for (const app of chat.bots) deliveries.send({ app, type: 'im.message.recalled_v1', event });
    },
    read(message, reader) {
      const { author } = message;
      if (author.kind !== 'app' || message.chat.kind !== 'p2p') return;
      const reading = {
        reader_id: userIds(reader, author, world),
        read_time: String(Date.now()),
        tenant_key: reader.tenant.key,
      };
      const event = { reader: reading, message_id_list: [message.id] };
      deliveries.send({ app: author, type: 'im.message.message_read_v1', event });
    },
    botAdded(chat, app, operator) {
      deliveries.send({ app, type: 'im.chat.member.bot.added_v1', event: botEvent(chat, app, operator) });
    },
    botRemoved(chat, app, operator) {
      deliveries.send({ app, type: 'im.chat.member.bot.deleted_v1', event: botEvent(chat, app, operator) });
    },
    pressed(app, { message, person, token, action }) {
      const event = {
        operator: { tenant_key: person.tenant.key, ...userIds(person, app, world) },
        token,
        action: { ...action, timezone: 'Asia/Shanghai' },
        host: 'im_message',
        context: { open_message_id: message.id, open_chat_id: message.chat.id },
      };
      return deliveries.call({ app, type: 'card.action.trigger', event });
    },
  };
}
