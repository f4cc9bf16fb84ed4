import { type ApiError, refusal } from './api-error.ts';
import type { Messages } from './messages.ts';
import type { App, Chat, StoredMessage } from './model.ts';
import { messagePayload } from './payloads.ts';
import { visibleTo } from './rest-messages.ts';
import { type Route, route } from './router.ts';
import type { World } from './world.ts';

interface Deps {
  readonly world: World;
  readonly messages: Messages;
}

const reading = ['im:message', 'im:message:readonly', 'im:message.history:readonly'];

/** https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/reference/im-v1/message/list */
export function createHistoryRoutes({ world, messages }: Deps): readonly Route[] {
  const show = (message: StoredMessage, app: App): object => messagePayload(message, app, world);
  return [
    route('GET', '/im/v1/messages', {
      scopes: reading,
      handle({ app, query }) {
        const page = pageOf(query, 50);
        const all = inTime(contained(app, query, { world, messages }), query);
        const sorted = query.get('sort_type') === 'ByCreateTimeDesc' ? all.toReversed() : all;
        return {
          data: paged(
            sorted.map((message) => show(message, app)),
            page,
          ),
        };
      },
    }),
    route('GET', '/im/v1/messages/:message_id', {
      scopes: reading,
      handle: ({ app, params }) => ({
        data: { items: [show(visibleTo(app, params.message_id, messages), app)] },
      }),
    }),
  ];
}

/** All of a thread; or of a chat, but for what stands in its threads: of these only the beginning. */
function contained(app: App, query: URLSearchParams, { world, messages }: Deps): readonly StoredMessage[] {
  const id = query.get('container_id') ?? '';
  if (query.get('container_id_type') === 'thread') {
    const found = messages.ofThread(id);
    const [first] = found;
    if (!first) throw refusal('invalidMessage', 'invalid container_id.');
    demandReading(app, first.chat);
    return found;
  }
  if (query.get('container_id_type') !== 'chat') throw refusal('invalidMessage', 'invalid container_id_type.');
  const chat = world.chatById(id);
  if (!chat) throw refusal('invalidMessage', 'invalid container_id.');
  demandReading(app, chat);
  return messages.all(chat).filter(({ threadId, root }) => threadId === undefined || root === undefined);
}

function demandReading(app: App, chat: Chat): void {
  const problem = readingProblem(app, chat);
  if (problem) throw problem;
}

function readingProblem(app: App, chat: Chat): ApiError | undefined {
  if (!chat.bots.has(app)) return refusal('notInChat');
  const needed = 'im:message.group_msg';
  const lacks = chat.kind === 'group' && !app.scopes.has(needed);
  return lacks ? refusal('noPermission', `need scope: ${needed}`) : undefined;
}

/** Between two times in seconds, both of them included; a thread knows no times. */
function inTime(all: readonly StoredMessage[], query: URLSearchParams): readonly StoredMessage[] {
  if (query.get('container_id_type') === 'thread') return all;
  const from = Number(query.get('start_time') ?? 0);
  const to = Number(query.get('end_time') ?? Number.POSITIVE_INFINITY);
  if (Number.isNaN(from) || Number.isNaN(to)) throw refusal('invalidMessage', 'invalid time.');
  return all.filter(({ createdAt }) => {
    const second = Math.floor(createdAt / 1000);
    return second >= from && second <= to;
  });
}

export interface Page {
  readonly from: number;
  readonly size: number;
}

/** @throws ApiError for a size that is not asked for */
export function pageOf(query: URLSearchParams, max: number): Page {
  const size = Number(query.get('page_size') ?? 20);
  if (!(size >= 1 && size <= max)) throw refusal('invalidMessage', 'invalid page_size.');
  const token = query.get('page_token') ?? '';
  const from = token === '' ? 0 : Number(Buffer.from(token, 'base64url').toString());
  if (!Number.isInteger(from)) throw refusal('invalidMessage', 'invalid page_token.');
  return { from, size };
}

export function paged(all: readonly object[], { from, size }: Page): object {
  const next = from + size;
  const hasMore = next < all.length;
  const token = hasMore ? Buffer.from(String(next)).toString('base64url') : '';
  return { items: all.slice(from, next), has_more: hasMore, page_token: token };
}
