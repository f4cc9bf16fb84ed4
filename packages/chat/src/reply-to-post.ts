import type { Bus, Delivery, Subscription } from '@moltbot/bus';
import {
  asMoltError,
  type ChatPlatformName,
  type Clock,
  type Envelope,
  hasCode,
  isKind,
  type Logger,
} from '@moltbot/shared';
import type { Store } from '@moltbot/store';
import type { Post } from './posts/post.ts';
import { createPosts, type Posts } from './posts/posts.ts';

export interface RepliesDeps {
  readonly bus: Pick<Bus, 'consume'>;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly platform: ChatPlatformName;
}

const prefetch = 32;

/**
 * Hop 6 for what came from a chat: the end of a task becomes a post, which whoever keeps the posts of that bot shows. Usually there is one
 * since the task was accepted; this is for those whose door died, or whose store was emptied.
 */
export const consumeReplies = (deps: RepliesDeps): Promise<Subscription> =>
  deps.bus.consume({ kind: 'replies', platform: deps.platform }, { prefetch }, (delivery) => take(delivery, deps));

async function take(delivery: Delivery, deps: RepliesDeps): Promise<void> {
  const { message } = delivery;
  const post = isKind(message, 'reply') ? replyToPost(message, deps.clock.now()) : undefined;
  if (!post) return void (await delivery.dead(`a ${message.kind} message that is no answer to a chat is in its queue`));
  try {
    const posts = createPosts({ ...deps, platform: post.platform, tenants: [] });
    if (await tellEnd(deps, posts, post.post)) await delivery.ack();
    else await delivery.delay('5s');
  } catch (error) {
    const reason = asMoltError(error).message;
    if (!hasCode(error, 'MOLT_STORE_DOWN')) return void (await delivery.dead(`it can be no answer: ${reason}`));
    deps.log.warn({ reason, task: post.post.id }, 'a reply waits for the store');
    await delivery.delay('5s');
  }
}

/** False when others change the post at the same time. */
async function tellEnd({ store }: RepliesDeps, posts: Posts, post: Post): Promise<boolean> {
  const { tenant, id, subject } = post;
  const kept = await posts.begin(post);
  const isTold = !kept || (kept.post.subject.kind === 'task' && kept.post.subject.ended);
  // It was begun before: what it is about is in the store, unless that was emptied in between.
  if (isTold || (await store.getTask(tenant, id))) return true;
  return (await posts.change(kept, { ...kept.post, subject })) !== undefined;
}

/** Bytes of JSON. A record holds twice as much. */
const argsAtMost = 128 * 1024;

function replyToPost(
  { tenant, body }: Envelope<'reply'>,
  now: number,
): { readonly post: Post; readonly platform: { readonly name: string; readonly account: string } } | undefined {
  const { state, counts, finishedAt } = body;
  const { origin } = body.task;
  if (origin.kind !== 'chat') return undefined;
  const isLarge = Buffer.byteLength(JSON.stringify(body.task.args ?? null)) > argsAtMost;
  const task = isLarge ? { ...body.task, args: {} } : body.task;
  const ended = { task, state, counts, cancelRequested: false, finishedAt };
  const post = postOfTask({ tenant, task, now, ended });
  return {
    platform: { name: origin.platform, account: origin.account },
    // Since it was accepted.
    post: { ...post, ...mayStand(post) },
  };
}

/** The answer to a task of a chat; undefined for other tasks. */
export function postOfTask({
  tenant,
  task,
  now,
  ended,
}: {
  readonly tenant: string;
  readonly task: Envelope<'reply'>['body']['task'];
  readonly now: number;
  readonly ended?: Extract<Post['subject'], { kind: 'task' }>['ended'];
}): Post {
  const { id, origin } = task;
  if (origin.kind !== 'chat') throw new Error(`the task ${id} is of no chat`);
  const { place, message: replyTo, answer, language } = origin;
  return {
    ...{ id, tenant, place, replyTo, language, createdAt: now, files: 0 },
    subject: { kind: 'task', taskId: id, ...(ended && { ended }) },
    messages: answer === undefined ? [] : [{ id: answer, at: now, edits: 0 }],
  };
}

/** Of a post whose message may stand there already, and show something older. */
export const mayStand = ({ messages }: Post): Pick<Post, 'making'> => (messages.length === 0 ? { making: 0 } : {});
