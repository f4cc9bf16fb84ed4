import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { HistoryItem } from '../lark-api.ts';
import { contentToText } from './content-to-text.ts';
import type { LarkPressed, LarkSaid } from './lark-event.ts';

/** The types of events that are understood; for all others the platform is told that they came, and that is all. */
export const eventTypes = { said: 'im.message.receive_v1', pressed: 'card.action.trigger' } as const;

const Ids = z.object({ open_id: z.string() });
/** https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/reference/im-v1/message/events/receive */
const Received = z.object({
  sender: z.object({ sender_id: Ids, sender_type: z.string() }),
  message: z.object({
    message_id: z.string(),
    thread_id: z.string().optional(),
    parent_id: z.string().optional(),
    create_time: z.string(),
    chat_id: z.string(),
    chat_type: z.string(),
    message_type: z.string(),
    content: z.string(),
    mentions: z.array(z.object({ key: z.string(), id: Ids, name: z.string() })).optional(),
  }),
});
/** https://open.feishu.cn/document/uAjLw4CM/ukzMukzMukzM/feishu-cards/card-callback-communication */
const Triggered = z.object({
  event_id: z.string().optional(),
  create_time: z.string().optional(),
  token: z.string().optional(),
  operator: Ids,
  action: z.object({ value: z.object({ button: z.string() }) }),
  context: z.object({ open_message_id: z.string(), open_chat_id: z.string() }),
});

/** Characters. Nobody types more, and the store takes no more. */
const longest = 40_000;

const isReadable = (text: string | undefined): text is string => text !== undefined && text.length <= longest;

/** @param data header and event in one @returns undefined for what has no words, and what no user said */
export function readSaid(data: unknown): LarkSaid | undefined {
  const received = Received.safeParse(data).data;
  if (received?.sender.sender_type !== 'user') return undefined;
  const { message, sender } = received;
  const text = contentToText(message.message_type, message.content);
  if (!isReadable(text)) return undefined;
  return {
    ...{ kind: 'said', id: message.message_id, at: Number(message.create_time), chat: message.chat_id },
    ...{ isPrivate: message.chat_type === 'p2p', thread: message.thread_id, parent: message.parent_id },
    ...{ sender: sender.sender_id.open_id, text },
    mentions: (message.mentions ?? []).map(({ key, id, name }) => ({ key, id: id.open_id, name })),
  };
}

/** The same of a message of the history. */
export function readItem(item: HistoryItem, isPrivate: boolean): LarkSaid | undefined {
  if (item.deleted === true || item.sender.sender_type !== 'user') return undefined;
  const text = contentToText(item.msg_type, item.body.content);
  if (!isReadable(text)) return undefined;
  return {
    ...{ kind: 'said', id: item.message_id, at: Number(item.create_time), chat: item.chat_id, isPrivate },
    ...{ thread: item.thread_id, parent: item.parent_id, sender: item.sender.id, text },
    mentions: (item.mentions ?? []).map(({ key, id, name }) => ({ key, id, name })),
  };
}

/** @param now for an event without a time @returns undefined for what is no button of ours */
export function readPressed(data: unknown, now: number): LarkPressed | undefined {
  const triggered = Triggered.safeParse(data).data;
  if (!triggered) return undefined;
  const { operator, action, context, token, event_id: event, create_time: time } = triggered;
  const { open_message_id: message, open_chat_id: chat } = context;
  return {
    ...{ kind: 'pressed', id: pressId(token ?? event ?? `${message} ${time}`), at: timeOf(time, now) },
    ...{ chat, message, operator: operator.open_id, button: action.value.button },
  };
}

/** Another delivery has another event id; the token of the callback is the same, and a secret for half an hour. */
const pressId = (token: string): string => `press-${createHash('sha256').update(token).digest('hex').slice(0, 32)}`;

/** Headers have milliseconds, some callbacks microseconds. */
function timeOf(time: string | undefined, now: number): number {
  const at = Number(time);
  if (!(at > 0)) return now;
  return at > 1e14 ? Math.floor(at / 1_000) : at;
}
