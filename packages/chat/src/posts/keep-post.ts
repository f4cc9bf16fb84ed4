import { createHash } from 'node:crypto';
import {
  asMoltError,
  backoffMs,
  type Clock,
  createBell,
  type ErrorCode,
  hasCode,
  type Logger,
  MoltError,
} from '@moltbot/shared';
import type { ChatPlatform } from '../platform.ts';
import { errorToMessage } from '../render/error-to-message.ts';
import type { ChannelLanes } from './channel-lanes.ts';
import { nonceOf } from './nonce.ts';
import type { Post } from './post.ts';
import type { PostMetrics } from './post-metrics.ts';
import type { KeptPost, Posts } from './posts.ts';
import type { Slots } from './slots.ts';
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
  /** Between two looks at a subject, ms. */
  pauseMs(): number;
  readonly fileSlots: Slots;
  /** Ids by nonce of messages that were made, while the store could not be told: the platform forgets nonces. */
  readonly unnoted: Map<string, string>;
}

/** Between two tries of what failed. */
const patience = { baseMs: 300, maxMs: 5_000 } as const;
/** So long a post that cannot be shown keeps its place before others of its channel; then it may come late. */
const keepsPlaceMs = 600_000;
/** What is wrong with a post itself is tried so often; then with words instead of it; then it is let go. */
const triesOfDefect = { own: 3, all: 6 } as const;
/** A call to the store that seems to take so long: this process was frozen. */
const frozenMs = 5_000;
/** For a last correction, after the signal. */
const correctWithinMs = 5_000;

/**
 * Shows a post until it is final and stands on the platform as it is: one message that is edited, and files beside it. Done by another
 * instance from the same record, at any point, it comes to the same. Resolves when it is done, is another's, or the signal aborts.
 */
export async function keepPost(deps: KeeperDeps, first: KeptPost): Promise<void> {
  const { clock, log, signal } = deps;
  const { tenant, id } = first.post;
  let subject = deps.subjectOf(first.post);
  const bell = createBell();
  const unwatch = subject.watch(bell.ring);
  signal.addEventListener('abort', bell.ring);
  let kept: KeptPost | undefined = first;
  let failures = 0;
  let defects = 0;
  try {
    while (kept && !signal.aborted) {
      try {
        const shown: Shown | undefined = await showNext(deps, subject, kept);
        kept = shown ? shown.kept : await restored(deps, kept);
        failures = 0;
        if (defects < triesOfDefect.own) defects = 0;
        if (shown?.isDone) {
          if (await finish(deps, shown.kept)) return;
          kept = await deps.posts.get(tenant, id);
        } else if (kept) await bell.sleep(deps.pauseMs());
      } catch (error) {
        failures += 1;
        if (signal.aborted) return;
        if (!isPassing(error)) defects += 1;
        if (isHopeless(error) || defects >= triesOfDefect.all) return await giveUp(deps, first, error);
        if (defects === triesOfDefect.own) subject = insteadOf(error, first.post);
        coolOff(deps, first.post, error);
        log.warn({ err: error, post: id, failures }, 'an answer could not be shown yet');
        await clock.sleep(backoffMs(failures, patience), signal).catch(() => {});
        const last: KeptPost = kept ?? first;
        kept = await newestOf(deps, last).catch(() => last);
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
    return lanes.turn(channel, 'first', () =>
      insist(deps, post, async () => {
        if (await posts.wasDone(post)) return void (await posts.end(kept));
        const newest = await newestOf(deps, kept);
        const shown = newest && (await shownAs(deps, newest, subject.look));
        // Whoever led before may have been at it still: it keeps its place.
        if (newest && !shown) throw new MoltError('MOLT_CHAT_DOWN', 'another instance has changed it');
        return shown;
      }),
    );
  }
  const view = await subject.look();
  if (hashOf(view) !== post.shown) {
    const urgency = view.isFinal ? 'final' : 'progress';
    return lanes.turn(channel, urgency, () => shownAs(deps, kept, subject.look));
  }
  if (!view.isFinal) return { kept, isDone: false };
  return attachAll(deps, kept, subject);
}

/** When the store was emptied, what is in memory is all that is left of an answer. Undefined for one that is done. */
const newestOf = async ({ posts }: KeeperDeps, { post }: KeptPost): Promise<KeptPost | undefined> =>
  (await posts.get(post.tenant, post.id)) ?? posts.begin({ ...post, making: post.messages.length });

/** Undefined also when it is another's. */
const restored = async (deps: KeeperDeps, kept: KeptPost): Promise<KeptPost | undefined> =>
  (await deps.posts.get(kept.post.tenant, kept.post.id)) ? undefined : newestOf(deps, kept);

/** What is not there yet keeps its place before all that comes after it in the channel, unless it is to blame itself. */
async function insist<T>(deps: KeeperDeps, { id }: Post, work: () => Promise<T>): Promise<T> {
  const { clock, signal, log } = deps;
  const since = clock.monotonic();
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      const isPatient = isPassing(error) && clock.monotonic() - since < keepsPlaceMs;
      if (signal.aborted || !isPatient) throw error;
      log.warn({ err: error, post: id, tries }, 'an answer is not there yet');
      await clock.sleep(Math.max(backoffMs(tries, patience), retryAfterMs(error)), signal);
    }
  }
}

async function shownAs(deps: KeeperDeps, kept: KeptPost, look: () => Promise<View>): Promise<Shown | undefined> {
  const view = await look();
  const { posts } = deps;
  const { post } = kept;
  const shown = hashOf(view);
  if (shown === post.shown) return { kept, isDone: false };
  const last = await edited(deps, post, view);
  if (!last) {
    const next = await made(deps, kept, view);
    return next && { kept: next, isDone: false };
  }
  const next = await posts.change(kept, { ...post, messages: [...post.messages.slice(0, -1), last], shown });
  if (!next) await correct(deps, { post, messageId: last.id, look });
  return next && { kept: next, isDone: false };
}

/** Its last message, when that could be edited. */
async function edited(
  { platform, clock, metrics, signal }: KeeperDeps,
  { messages, place }: Post,
  view: View,
): Promise<Post['messages'][number] | undefined> {
  const last = messages.at(-1);
  const { editsPerMessage, editableForMs } = platform.limits;
  if (!last || last.edits >= editsPerMessage || clock.now() - last.at >= editableForMs) return undefined;
  try {
    await metrics.call('edit', () => platform.edit(place, last.id, view.message, signal));
    return { ...last, edits: last.edits + 1 };
  } catch (error) {
    if (hasCode(error, 'MOLT_CHAT_GONE')) return undefined;
    throw error;
  }
}

/**
 * Another keeps it, and this process, which was frozen or slow, may just have put something older over what that one has shown. It is shown
 * once more: by that one, or, when it is done with it, from here.
 */
async function correct(
  { platform, posts, metrics, log }: KeeperDeps,
  { post, messageId, look }: { readonly post: Post; readonly messageId: string; look(): Promise<View> },
): Promise<void> {
  try {
    const newest = await posts.get(post.tenant, post.id);
    if (newest) {
      if (newest.post.shown !== undefined) await posts.change(newest, { ...newest.post, shown: 'unsure' });
      return;
    }
    const { message, isFinal } = await look();
    const signal = AbortSignal.timeout(correctWithinMs);
    if (isFinal) await metrics.call('edit', () => platform.edit(post.place, messageId, message, signal));
  } catch (err) {
    log.warn({ err, post: post.id }, 'an answer that another keeps may show something older');
  }
}

/**
 * Notes that it is begun, then makes a message. One that may have been made before is the same by its nonce, and shows what it was made
 * with: it is edited next.
 */
async function made(deps: KeeperDeps, kept: KeptPost, view: View): Promise<KeptPost | undefined> {
  const { platform, posts, clock, metrics, signal, unnoted } = deps;
  const { post } = kept;
  const place = post.messages.length;
  const nonce = nonceOf(post.id, place);
  const mayBeThere = post.making === place || unnoted.has(nonce);
  const askedAt = clock.monotonic();
  const noted = await posts.change(kept, { ...post, making: place });
  if (!noted) return undefined;
  // Another may have made it meanwhile, and the platform have forgotten its nonce.
  if (clock.monotonic() - askedAt > frozenMs) throw new MoltError('MOLT_CHAT_DOWN', 'the store took too long');
  const options = { nonce, replyTo: post.replyTo, signal };
  const known = unnoted.get(nonce);
  const id = known ?? (await metrics.call('post', () => platform.post(post.place, view.message, options)));
  if (place === 0 && known === undefined) metrics.answered((clock.now() - post.createdAt) / 1_000);
  remember(unnoted, nonce, id);
  const messages = [...post.messages, { id, at: clock.now(), edits: 0 }];
  const shown = mayBeThere ? 'unsure' : hashOf(view);
  const next = await posts.change(noted, { ...noted.post, messages, shown, making: undefined });
  unnoted.delete(nonce);
  return next;
}

const unnotedAtMost = 1_000;

function remember(unnoted: Map<string, string>, nonce: string, id: string): void {
  const [oldest] = unnoted.size >= unnotedAtMost ? unnoted.keys() : [];
  if (oldest !== undefined) unnoted.delete(oldest);
  unnoted.set(nonce, id);
}

async function attachAll(deps: KeeperDeps, kept: KeptPost, subject: Subject): Promise<Shown | undefined> {
  const { platform, lanes, posts, metrics, signal, fileSlots } = deps;
  let current: KeptPost | undefined = kept;
  const files = await subject.files();
  for (const [index, make] of files.entries()) {
    if (index < current.post.files) continue;
    const { post }: KeptPost = current;
    const options = { nonce: nonceOf(post.id, `file ${index}`), replyTo: post.messages.at(-1)?.id, signal };
    await lanes.turn(post.place.channel, 'final', () =>
      fileSlots(async () => {
        const file = await make();
        await metrics.call('attach', () => platform.attach(post.place, [file], options));
      }),
    );
    current = await posts.change(current, { ...post, files: index + 1 });
    if (!current) return undefined;
  }
  return { kept: current, isDone: true };
}

/** False when it was changed meanwhile: it may have to be shown again. */
async function finish({ posts, metrics, log, clock }: KeeperDeps, kept: KeptPost): Promise<boolean> {
  if (!(await posts.end(kept))) return false;
  metrics.ended('shown');
  log.info({ post: kept.post.id, tenant: kept.post.tenant, ms: clock.now() - kept.post.createdAt }, 'answered');
  return true;
}

/** What is said when something is wrong with the subject itself. */
function insteadOf(error: unknown, { language }: Post): Subject {
  const message = errorToMessage(new MoltError('MOLT_INTERNAL', asMoltError(error).message), language);
  return { look: async () => ({ message, isFinal: true }), watch: () => () => {}, files: async () => [] };
}

/** What can never be shown is let go. */
async function giveUp({ posts, metrics, log }: KeeperDeps, kept: KeptPost, error: unknown): Promise<void> {
  const { code, message } = asMoltError(error);
  log.error({ post: kept.post.id, tenant: kept.post.tenant, code }, `an answer cannot be shown: ${message}`);
  metrics.ended('refused');
  try {
    const newest = await posts.get(kept.post.tenant, kept.post.id);
    if (newest) await posts.end(newest);
  } catch (err) {
    log.warn({ err }, 'a post that cannot be shown could not be ended');
  }
}

const isHopeless = (error: unknown): boolean => hasCode(error, 'MOLT_CHAT_GONE') || hasCode(error, 'MOLT_CHAT_REFUSED');

const passing: readonly ErrorCode[] = ['MOLT_STORE_DOWN', 'MOLT_CHAT_DOWN', 'MOLT_CHAT_LIMITED'];
const isPassing = (error: unknown): boolean => passing.some((code) => hasCode(error, code));

function retryAfterMs(error: unknown): number {
  const { retryAfterMs: given } = asMoltError(error).details;
  return typeof given === 'number' ? given : 0;
}

function coolOff({ lanes }: KeeperDeps, { place }: Post, error: unknown): void {
  if (hasCode(error, 'MOLT_CHAT_LIMITED')) lanes.coolOff(place.channel, retryAfterMs(error));
}

const hashOf = ({ message }: View): string => createHash('sha256').update(JSON.stringify(message)).digest('base64url');
