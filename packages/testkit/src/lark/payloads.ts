import { type Fields, fieldsAt, isFields, textOf } from './fields.ts';
import {
  type App,
  bodyOf,
  type Mention,
  type MessageBody,
  mentionsOf,
  type Person,
  type StoredMessage,
} from './model.ts';
import type { World } from './world.ts';

/** What an older client shows instead of a card of version 2.0; the API shows no more of it either. */
const noCardHere = '请升级至最新版本客户端，以查看内容';

/** The JSON that stands in `content`. */
function contentOf(body: MessageBody): string {
  switch (body.type) {
    case 'text':
      return JSON.stringify({ text: body.text });
    case 'post':
      return JSON.stringify(oneLanguage(body.post));
    case 'image':
      return JSON.stringify({ image_key: body.imageKey });
    case 'file':
      return JSON.stringify({ file_key: body.fileKey, file_name: body.fileName });
    case 'interactive': {
      const title = textOf(fieldsAt(fieldsAt(body.card, 'header'), 'title')['content']);
      return JSON.stringify({ title, elements: [[{ tag: 'text', text: noCardHere }]] });
    }
  }
}

/** A post is sent in several languages, and read in one. */
export function oneLanguage(post: Fields, wanted = 'en_us'): Fields {
  const inWanted = post[wanted];
  if (isFields(inWanted)) return inWanted;
  return Object.values(post).find(isFields) ?? post;
}

const timesOf = (message: StoredMessage): object => ({
  create_time: String(message.createdAt),
  update_time: String(message.updatedAt),
});

const placeOf = ({ root, parent, threadId }: StoredMessage): object => ({
  ...(root ? { root_id: root.id } : {}),
  ...(parent ? { parent_id: parent.id } : {}),
  ...(threadId === undefined ? {} : { thread_id: threadId }),
});

/** As the API tells an app of a message. https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/reference/im-v1/message/get */
export function messagePayload(message: StoredMessage, app: App, world: World): object {
  const { author, chat } = message;
  const mentions = mentionsOf(message);
  const deleted = message.deletedAt !== undefined;
  const sender =
    author.kind === 'app'
      ? { id: author.id, id_type: 'app_id', sender_type: 'app' }
      : { id: world.openId(app, author), id_type: 'open_id', sender_type: 'user' };
  return {
    message_id: message.id,
    ...placeOf(message),
    msg_type: bodyOf(message).type,
    ...timesOf(message),
    deleted,
    updated: message.versions.length > 1,
    chat_id: chat.id,
    sender: { ...sender, tenant_key: author.tenant.key },
    body: { content: deleted ? 'This message was recalled' : contentOf(bodyOf(message)) },
    ...(mentions.length === 0 ? {} : { mentions: mentions.map((mention) => mentionOf(mention, app, world)) }),
  };
}

const mentionOf = ({ key, whom }: Mention, app: App, world: World): object => ({
  key,
  id: world.openId(app, whom),
  id_type: 'open_id',
  name: nameOf(whom),
  tenant_key: whom.tenant.key,
});

export const nameOf = (whom: Person | App): string => (whom.kind === 'app' ? whom.botName : whom.displayName);

/** The three ids of a user, or the one of a bot. */
export function userIds(whom: Person | App, app: App, world: World): object {
  const open_id = world.openId(app, whom);
  if (whom.kind === 'app') return { union_id: '', user_id: '', open_id };
  return { union_id: whom.unionId, user_id: whom.userId, open_id };
}

/** https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/reference/im-v1/message/events/receive */
export function receiveEvent(message: StoredMessage, app: App, world: World): object {
  const { author, chat } = message;
  const named = mentionsOf(message).map(({ key, whom }) => ({
    key,
    id: userIds(whom, app, world),
    name: nameOf(whom),
    tenant_key: whom.tenant.key,
  }));
  return {
    sender: { sender_id: userIds(author, app, world), sender_type: 'user', tenant_key: author.tenant.key },
    message: {
      message_id: message.id,
      ...placeOf(message),
      ...timesOf(message),
      chat_id: chat.id,
      chat_type: chat.kind,
      message_type: bodyOf(message).type,
      content: contentOf(bodyOf(message)),
      ...(named.length === 0 ? {} : { mentions: named }),
    },
  };
}
