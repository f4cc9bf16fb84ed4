import type { Bus, Delivery, Subscription } from '@moltbot/bus';
import { asMoltError, type ChatPlatformName, type Clock, type Envelope, isKind, type Logger } from '@moltbot/shared';
import type { Store } from '@moltbot/store';
import type { Post } from './posts/post.ts';
import { createPosts } from './posts/posts.ts';

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
    await createPosts({ ...deps, platform: post.platform, tenants: [] }).begin(post.post);
    await delivery.ack();
  } catch (error) {
    deps.log.warn({ reason: asMoltError(error).message, task: post.post.id }, 'a reply waits for the store');
    await delivery.delay('5s');
  }
}

function replyToPost(
  { tenant, body }: Envelope<'reply'>,
  now: number,
): { readonly post: Post; readonly platform: { readonly name: string; readonly account: string } } | undefined {
  const { task, state, counts, finishedAt } = body;
  const { origin } = task;
  if (origin.kind !== 'chat') return undefined;
  const ended = { task, state, counts, cancelRequested: false, finishedAt };
  return {
    platform: { name: origin.platform, account: origin.account },
    post: postOfTask({ tenant, task, now, ended }),
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
