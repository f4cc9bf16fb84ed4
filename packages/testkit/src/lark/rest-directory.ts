import { refusal } from './api-error.ts';
import { fieldsAt, textOf } from './fields.ts';
import type { App, Chat, Person } from './model.ts';
import { userIds } from './payloads.ts';
import { paged, pageOf } from './rest-history.ts';
import { type Route, route } from './router.ts';
import type { World } from './world.ts';

const chatScopes = ['im:chat', 'im:chat:readonly'];
const contactScopes = ['contact:contact.base:readonly', 'contact:contact:readonly_as_app'];
const groupScopes = ['contact:group:readonly'];

/** Who and what there is, as far as a bot asks. */
export function createDirectoryRoutes(world: World): readonly Route[] {
  const chatFor = (app: App, id: string): Chat => {
    const chat = world.chatById(id);
    if (!chat || chat.tenant !== app.tenant) throw refusal('chatUnknown');
    if (!chat.bots.has(app)) throw refusal('notInThatChat');
    return chat;
  };
  const personFor = (app: App, type: string, id: string): Person => {
    const person = world.whoIs(app, type, id);
    if (person === 'of-another-app') throw refusal('otherAppsOpenId');
    if (!person) throw refusal('noUser');
    return person;
  };
  const chatView = (chat: Chat): object => ({
    chat_id: chat.id,
    name: chat.name,
    description: '',
    owner_id: '',
    owner_id_type: 'open_id',
    external: false,
    tenant_key: chat.tenant.key,
    chat_status: 'normal',
  });
  const idOf = (person: Person, app: App, type: string): string =>
    textOf(fieldsAt({ ids: userIds(person, app, world) }, 'ids')[type]);

  return [
    // https://open.feishu.cn/document/ukTMukTMukTM/uAjMxEjLwITMx4CMyETM
    route('GET', '/bot/v3/info', {
      scopes: [],
      handle: ({ app }) => ({
        body: {
          code: 0,
          msg: 'ok',
          bot: { activate_status: 2, app_name: app.botName, avatar_url: '', open_id: world.openId(app, app) },
        },
      }),
    }),
    // https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/reference/im-v1/chat/list
    route('GET', '/im/v1/chats', {
      scopes: chatScopes,
      handle({ app, query }) {
        const chats = world.chats().filter(({ kind, bots }) => kind === 'group' && bots.has(app));
        return { data: paged(chats.map(chatView), pageOf(query, 100)) };
      },
    }),
    route('GET', '/im/v1/chats/:chat_id', {
      scopes: chatScopes,
      handle({ app, params }) {
        const chat = chatFor(app, params.chat_id);
        const numbers = { user_count: String(chat.people.size), bot_count: String(chat.bots.size) };
        return { data: { ...chatView(chat), chat_mode: chat.kind === 'p2p' ? 'p2p' : 'group', ...numbers } };
      },
    }),
    // https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/reference/im-v1/chat-members/get
    route('GET', '/im/v1/chats/:chat_id/members', {
      scopes: [...chatScopes, 'im:chat.members:read'],
      handle({ app, params, query }) {
        const chat = chatFor(app, params.chat_id);
        const type = query.get('member_id_type') ?? 'open_id';
        const members = [...chat.people].map((person) => ({
          member_id_type: type,
          member_id: idOf(person, app, type),
          name: person.displayName,
          tenant_key: person.tenant.key,
        }));
        return { data: { ...paged(members, pageOf(query, 100)), member_total: members.length } };
      },
    }),
    route('GET', '/im/v1/chats/:chat_id/members/is_in_chat', {
      scopes: chatScopes,
      handle: ({ app, params }) => ({
        data: { is_in_chat: world.chatById(params.chat_id)?.bots.has(app) ?? false },
      }),
    }),
    // https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/reference/contact-v3/user/get
    route('GET', '/contact/v3/users/:user_id', {
      scopes: contactScopes,
      handle({ app, params, query }) {
        const person = personFor(app, query.get('user_id_type') ?? 'open_id', params.user_id);
        // Without its scope a field is left out, not refused.
        const mayName = app.scopes.has('contact:user.base:readonly');
        const named = mayName ? { name: person.displayName, en_name: person.name, nickname: '' } : {};
        return { data: { user: { ...userIds(person, app, world), ...named } } };
      },
    }),
    // https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/reference/contact-v3/group/simplelist and member_belong
    route('GET', '/contact/v3/group/simplelist', {
      scopes: groupScopes,
      handle({ app }) {
        const list = world.groups(app.tenant).map(({ id, name, members }) => ({
          ...{ id, name, description: '', type: 1 },
          member_user_count: members.size,
        }));
        return { data: { grouplist: list, has_more: false, page_token: '' } };
      },
    }),
    route('GET', '/contact/v3/group/member_belong', {
      scopes: groupScopes,
      handle({ app, query }) {
        const person = personFor(app, query.get('member_id_type') ?? 'open_id', query.get('member_id') ?? '');
        const ids = world.groups(app.tenant).flatMap(({ id, members }) => (members.has(person) ? [id] : []));
        return { data: { group_list: ids, has_more: false, page_token: '' } };
      },
    }),
  ];
}
