import { createBell } from '@moltbot/shared';
import { type KeeperDeps, keepPost } from './keep-post.ts';
import type { KeptPost } from './posts.ts';
import { createSlots } from './slots.ts';

/**
 * What other instances have begun is looked for so often, ms; and for no more than a tenth of the time, where nothing is begun here, and
 * half of it otherwise.
 */
const lookEvery = { ms: 300, share: 10 } as const;
/** Of thousands of open posts each is looked at less often: so many in a second, ends aside, which are told. */
const looksPerSecond = 200;
/** Whole files are in memory while they are sent. */
const filesAtOnce = 2;

/** Keeps every post of the bot until the signal aborts; those in hand are left as they are then. */
export async function keepPosts(given: Omit<KeeperDeps, 'pauseMs' | 'fileSlots'>): Promise<void> {
  const { posts, platform, signal, metrics, clock, log } = given;
  const inHand = new Map<string, Promise<void>>();
  /** Since the last listing was begun, which has them still. */
  const over = new Set<string>();
  const bell = createBell();
  const deps: KeeperDeps = {
    ...given,
    // Not all at once.
    pauseMs: () =>
      Math.max(platform.limits.editEveryMs, ((inHand.size * 1_000) / looksPerSecond) * (0.5 + Math.random())),
    fileSlots: createSlots(filesAtOnce),
  };
  const nameOf = ({ tenant, id }: { tenant: string; id: string }): string => `${tenant}/${id}`;
  const take = (kept: KeptPost): void => {
    const name = nameOf(kept.post);
    if (inHand.has(name) || over.has(name)) return;
    const keeping = keepPost(deps, kept)
      .catch((err: unknown) => log.error({ err, post: kept.post.id }, 'a post could not be kept'))
      .finally(() => {
        inHand.delete(name);
        over.add(name);
        metrics.open(inHand.size);
      });
    inHand.set(name, keeping);
    metrics.open(inHand.size);
  };
  // It is looked for like those of others, which may have been begun before it.
  const unlisten = posts.onBegin(bell.ring);
  signal.addEventListener('abort', bell.ring);
  while (!signal.aborted) {
    const since = clock.monotonic();
    over.clear();
    try {
      for (const kept of await posts.open((post) => inHand.has(nameOf(post)))) take(kept);
    } catch (err) {
      log.warn({ err }, 'the open posts could not be read');
    }
    const tookMs = clock.monotonic() - since;
    await clock.sleep(tookMs, signal).catch(() => {});
    await bell.sleep(Math.max(lookEvery.ms, tookMs * lookEvery.share));
  }
  unlisten();
  await Promise.all(inHand.values());
}
