import { createHash } from 'node:crypto';
import { asMoltError, backoffMs, type Clock, createBell, hasCode, type Logger } from '@moltbot/shared';
import type { ChatPlatform } from '../platform.ts';
import type { ChannelLanes } from './channel-lanes.ts';
import { nonceOf } from './nonce.ts';
import type { Post } from './post.ts';
import type { PostMetrics } from './post-metrics.ts';
import type { KeptPost, Posts } from './posts.ts';
import type { Subject, View } from './subject.ts';

export interface KeeperDeps {
  readonly platform: ChatPlatform;
  readonly posts: Posts;
  readonly lanes: ChannelLanes;
  readonly metrics: PostMetrics;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborts when another may keep it. */
  readonly signal: AbortSignal;
  subjectOf(post: Post): Subject;
}

/** Between two tries of what failed. */
const patience = { baseMs: 300, maxMs: 5_000 } as const;

/**
 * Shows a post until it is final and stands on the platform as it is: one message that is edited, and files beside it. Done by another
 * instance from the same record, at any point, it comes to the same. Resolves when it is done, is another's, or the signal aborts.
 */
export async function keepPost(deps: KeeperDeps, first: KeptPost): Promise<void> {
  const { platform, clock, log, signal } = deps;
  const subject = deps.subjectOf(first.post);
  const bell = createBell();
  const unwatch = subject.watch(bell.ring);
  signal.addEventListener('abort', bell.ring);
  let kept: KeptPost | undefined = first;
  let failures = 0;
  try {
    while (kept && !signal.aborted) {
      try {
        const shown: Shown | undefined = await showNext(deps, subject, kept);
        kept = shown?.kept;
        failures = 0;
        if (shown?.isDone) return await finish(deps, shown.kept);
        if (kept) await bell.sleep(platform.limits.editEveryMs);
      } catch (error) {
        failures += 1;
        if (signal.aborted) return;
        if (isHopeless(error)) return await giveUp(deps, first, error);
        coolOff(deps, first.post, error);
        log.warn({ err: error, post: first.post.id, failures }, 'an answer could not be shown yet');
        await clock.sleep(backoffMs(failures, patience), signal).catch(() => {});
        kept = await deps.posts.get(first.post.tenant, first.post.id).catch(() => kept);
      }
    }
  } finally {
    unwatch();
    signal.removeEventListener('abort', bell.ring);
  }
}

interface Shown {
  readonly kept: KeptPost;
  readonly isDone: boolean;
}

/** Undefined when it is another's, or was done before. */
async function showNext(deps: KeeperDeps, subject: Subject, kept: KeptPost): Promise<Shown | undefined> {
  const { lanes, posts } = deps;
  const { post } = kept;
  const { channel } = post.place;
  if (post.shown === undefined) {
    return lanes.turn(channel, 'first', async () => {
      if (await posts.wasDone(post)) {
        await posts.end(kept);
        return undefined;
      }
      return insist(deps, post, async () => {
        const newest = await posts.get(post.tenant, post.id);
        return newest && shownAs(deps, newest, await subject.look());
      });
    });
  }
  const view = await subject.look();
  if (hashOf(view) !== post.shown) {
    const urgency = view.isFinal ? 'final' : 'progress';
    return lanes.turn(channel, urgency, async () => shownAs(deps, kept, await subject.look()));
  }
  if (!view.isFinal) return { kept, isDone: false };
  return attachAll(deps, kept, subject);
}

/** What is not there yet keeps its place before all that comes after it in the channel. */
async function insist<T>(deps: KeeperDeps, { id }: Post, work: () => Promise<T>): Promise<T> {
  const { clock, signal, log } = deps;
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted || isHopeless(error)) throw error;
      log.warn({ err: error, post: id, tries }, 'an answer is not there yet');
      await clock.sleep(Math.max(backoffMs(tries, patience), retryAfterMs(error)), signal);
    }
  }
}

async function shownAs(deps: KeeperDeps, kept: KeptPost, view: View): Promise<Shown | undefined> {
  const shown = hashOf(view);
  if (shown === kept.post.shown) return { kept, isDone: false };
  const next = (await edited(deps, kept, view)) ?? (await made(deps, kept, view));
  return next && { kept: next, isDone: false };
}

/** Undefined when there is no message that could be edited. */
async function edited(deps: KeeperDeps, kept: KeptPost, view: View): Promise<KeptPost | undefined> {
  const { platform, posts, clock, metrics, signal } = deps;
  const { post } = kept;
  const last = post.messages.at(-1);
  const { editsPerMessage, editableForMs } = platform.limits;
  if (!last || last.edits >= editsPerMessage || clock.now() - last.at >= editableForMs) return undefined;
  try {
    await metrics.call('edit', () => platform.edit(post.place, last.id, view.message, signal));
  } catch (error) {
    if (hasCode(error, 'MOLT_CHAT_GONE')) return undefined;
    throw error;
  }
  const messages = [...post.messages.slice(0, -1), { ...last, edits: last.edits + 1 }];
  return posts.change(kept, { ...post, messages, shown: hashOf(view) });
}

/**
 * Notes that it is begun, then makes a message. One that may have been made before is the same by its nonce, and shows what it was made
 * with: it is edited next.
 */
async function made(deps: KeeperDeps, kept: KeptPost, view: View): Promise<KeptPost | undefined> {
  const { platform, posts, clock, metrics, signal } = deps;
  const { post } = kept;
  const place = post.messages.length;
  const mayBeThere = post.making === place;
  const noted: KeptPost | undefined = mayBeThere ? kept : await posts.change(kept, { ...post, making: place });
  if (!noted) return undefined;
  const options = { nonce: nonceOf(post.id, place), replyTo: post.replyTo, signal };
  const id = await metrics.call('post', () => platform.post(post.place, view.message, options));
  if (place === 0) metrics.answered((clock.now() - post.createdAt) / 1_000);
  const messages = [...post.messages, { id, at: clock.now(), edits: 0 }];
  const shown = mayBeThere ? 'unsure' : hashOf(view);
  return posts.change(noted, { ...noted.post, messages, shown, making: undefined });
}

async function attachAll(deps: KeeperDeps, kept: KeptPost, subject: Subject): Promise<Shown | undefined> {
  const { platform, lanes, posts, metrics, signal } = deps;
  let current: KeptPost | undefined = kept;
  const files = await subject.files();
  for (const [index, file] of files.entries()) {
    if (index < current.post.files) continue;
    const { post }: KeptPost = current;
    const options = { nonce: nonceOf(post.id, `file ${index}`), replyTo: post.messages.at(-1)?.id, signal };
    await lanes.turn(post.place.channel, 'final', () =>
      metrics.call('attach', () => platform.attach(post.place, [file], options)),
    );
    current = await posts.change(current, { ...post, files: index + 1 });
    if (!current) return undefined;
  }
  return { kept: current, isDone: true };
}

async function finish({ posts, metrics, log, clock }: KeeperDeps, kept: KeptPost): Promise<void> {
  await posts.end(kept);
  metrics.ended('shown');
  log.info({ post: kept.post.id, tenant: kept.post.tenant, ms: clock.now() - kept.post.createdAt }, 'answered');
}

/** What can never be shown is let go. */
async function giveUp({ posts, metrics, log }: KeeperDeps, kept: KeptPost, error: unknown): Promise<void> {
  const { code, message } = asMoltError(error);
  log.error({ post: kept.post.id, tenant: kept.post.tenant, code }, `an answer cannot be shown: ${message}`);
  metrics.ended('refused');
  await posts.end(kept).catch((err: unknown) => log.warn({ err }, 'a post that cannot be shown could not be ended'));
}

const isHopeless = (error: unknown): boolean => hasCode(error, 'MOLT_CHAT_GONE') || hasCode(error, 'MOLT_CHAT_REFUSED');

function retryAfterMs(error: unknown): number {
  const { retryAfterMs: given } = asMoltError(error).details;
  return typeof given === 'number' ? given : 0;
}

function coolOff({ lanes }: KeeperDeps, { place }: Post, error: unknown): void {
  if (hasCode(error, 'MOLT_CHAT_LIMITED')) lanes.coolOff(place.channel, retryAfterMs(error));
}

const hashOf = ({ message }: View): string => createHash('sha256').update(JSON.stringify(message)).digest('base64url');
