import { createBell } from '@moltbot/shared';
import { type KeeperDeps, keepPost } from './keep-post.ts';
import type { KeptPost } from './posts.ts';

/** What other instances have begun is looked for so often, ms. */
const lookEveryMs = 300;

/** Keeps every post of the bot until the signal aborts; those in hand are left as they are then. */
export async function keepPosts(deps: KeeperDeps): Promise<void> {
  const { posts, signal, metrics, log } = deps;
  const inHand = new Map<string, Promise<void>>();
  const bell = createBell();
  posts.onBegin(bell.ring);
  signal.addEventListener('abort', bell.ring);
  const take = (kept: KeptPost): void => {
    const name = `${kept.post.tenant}/${kept.post.id}`;
    if (inHand.has(name)) return;
    const keeping = keepPost(deps, kept)
      .catch((err: unknown) => log.error({ err, post: kept.post.id }, 'a post could not be kept'))
      .finally(() => {
        inHand.delete(name);
        metrics.open(inHand.size);
      });
    inHand.set(name, keeping);
    metrics.open(inHand.size);
  };
  while (!signal.aborted) {
    try {
      for (const kept of await posts.open()) take(kept);
    } catch (err) {
      log.warn({ err }, 'the open posts could not be read');
    }
    await bell.sleep(lookEveryMs);
  }
  await Promise.all(inHand.values());
}
