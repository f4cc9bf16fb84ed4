import { hasCode } from '@moltbot/shared';
import type { Asker, ChatContext } from './chat-context.ts';
import type { ChatMessage } from './message.ts';
import type { PostSubject } from './posts/post.ts';

/**
 * Answers in words: to the asker alone where the platform can, else as a reply in the channel, unless they have been told enough there.
 * Done again, it is one answer.
 */
export async function respond(context: ChatContext, asker: Asker, message: ChatMessage): Promise<void> {
  const { answer } = asker.incoming;
  const inChannel = async (): Promise<void> => {
    if (!asker.isMuted) await beginPost(context, asker, { kind: 'words', message });
  };
  if (!answer) return inChannel();
  try {
    await answer.whisper(message);
  } catch (error) {
    if (!hasCode(error, 'MOLT_CHAT_GONE') && !hasCode(error, 'MOLT_CHAT_REFUSED')) throw error;
    // Too late for an answer by itself, or not possible: it stands in the channel.
    await inChannel();
  }
}

/** Answers in several messages, in the channel. */
export async function respondAll(
  context: ChatContext,
  asker: Asker,
  [first, ...others]: readonly ChatMessage[],
): Promise<void> {
  if (first && others.length === 0) return respond(context, asker, first);
  await deferAnswer(asker);
  for (const [part, message] of [...(first ? [first] : []), ...others].entries())
    await beginPost(context, asker, { kind: 'words', message }, { part });
}

/**
 * Begins the answer of an event that is not about a task.
 * @param how `answer`: id of a message of ours that stands there for it; `part`: which of several
 */
export async function beginPost(
  { posts, clock }: Pick<ChatContext, 'posts' | 'clock'>,
  { incoming, language }: Asker,
  subject: PostSubject,
  { answer, part }: { readonly answer?: string | undefined; readonly part?: number } = {},
): Promise<void> {
  const { id, tenant, place } = incoming;
  const createdAt = clock.now();
  await posts.begin({
    ...{
      id: `answer-${id}${part === undefined ? '' : `-${part}`}`,
      tenant,
      place,
      language,
      subject,
      createdAt,
      files: 0,
    },
    replyTo: incoming.kind === 'command' ? undefined : incoming.message,
    messages: answer === undefined ? [] : [{ id: answer, at: createdAt, edits: 0 }],
  });
}

/**
 * The message that stands for the answer of an event, where the platform makes one; undefined when it is too late for that. A press is
 * told that it was seen: the message under the button is not its answer.
 */
export async function deferAnswer({ incoming }: Asker): Promise<string | undefined> {
  try {
    const message = await incoming.answer?.defer();
    return incoming.kind === 'press' ? undefined : message;
  } catch (error) {
    if (hasCode(error, 'MOLT_CHAT_GONE')) return undefined;
    throw error;
  }
}
