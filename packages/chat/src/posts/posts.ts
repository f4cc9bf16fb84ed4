import { asMoltError, type Logger, replyIdOf } from '@moltbot/shared';
import type { Store, StoredRecord } from '@moltbot/store';
import { Post } from './post.ts';

/** A post with the version it is stored under. */
export interface KeptPost {
  readonly post: Post;
  readonly version: number;
}

export interface PostsDeps {
  readonly store: Pick<
    Store,
    'getRecord' | 'putRecord' | 'dropRecord' | 'listRecords' | 'markDelivered' | 'wasDelivered'
  >;
  readonly platform: { readonly name: string; readonly account: string };
  /** Whose posts there may be. */
  readonly tenants: readonly string[];
  readonly log: Logger;
}

/** The posts of one bot, as the store has them: those that are not done. Every call rejects with MOLT_STORE_DOWN. */
export interface Posts {
  /** Nothing when it was done before. @returns as it stands now: this one, or that which was there; undefined when it is done */
  begin(post: Post): Promise<KeptPost | undefined>;
  /** In the order in which they were begun. @param isKnown these are left out */
  open(isKnown: (post: Pick<Post, 'tenant' | 'id'>) => boolean): Promise<readonly KeptPost[]>;
  get(tenant: string, id: string): Promise<KeptPost | undefined>;
  /** @returns undefined when another instance has changed it: leave it */
  change(kept: KeptPost, post: Post): Promise<KeptPost | undefined>;
  /** False when another has changed it: it stays. */
  end(kept: KeptPost): Promise<boolean>;
  wasDone(post: Post): Promise<boolean>;
  /** Calls back when a post is begun in this process. @returns how to end that */
  onBegin(listener: () => void): () => void;
}

const pageSize = 200;
/** Of one that nobody shows: its bot is gone from the configuration. */
const keepMs = 30 * 86_400_000;
/** So many that cannot be read are remembered, so that each is told of once. */
const unreadableAtMost = 1_000;

export function createPosts({ store, platform, tenants, log }: PostsDeps): Posts {
  const kind = `chat.posts.${platform.name}.${platform.account}`;
  const listeners = new Set<() => void>();
  const unreadable = new Set<string>();
  let lastBegun = 0;
  const doneId = ({ id }: Post): string => `${kind}:${replyIdOf(id)}`;
  const wasDone = (post: Post): Promise<boolean> => store.wasDelivered(post.tenant, doneId(post));

  const parsed = (tenant: string, record: StoredRecord): KeptPost | undefined => {
    try {
      return { post: Post.parse(JSON.parse(record.value)), version: record.version };
    } catch (reason) {
      const name = `${tenant}/${record.id}/${record.version}`;
      if (unreadable.has(name)) return undefined;
      if (unreadable.size >= unreadableAtMost) unreadable.clear();
      unreadable.add(name);
      log.error({ tenant, post: record.id, reason: asMoltError(reason).message }, 'a post cannot be read');
      return undefined;
    }
  };
  async function* all(tenant: string): AsyncGenerator<StoredRecord> {
    let cursor: string | undefined;
    do {
      const page = await store.listRecords({ tenant, kind }, { limit: pageSize, cursor });
      yield* page.records;
      cursor = page.cursor;
    } while (cursor !== undefined);
  }
  const get = async (tenant: string, id: string): Promise<KeptPost | undefined> => {
    const record = await store.getRecord({ tenant, kind, id });
    return record && parsed(tenant, record);
  };

  return {
    wasDone,
    get,
    async begin(given) {
      if (await wasDone(given)) return undefined;
      // Two of the same millisecond keep their order.
      lastBegun = Math.max(lastBegun + 1, given.createdAt);
      const post = { ...given, createdAt: lastBegun };
      const { tenant, id } = post;
      const version = await store.putRecord({ tenant, kind, id }, JSON.stringify(post), { version: 0, keepMs });
      for (const listener of listeners) listener();
      return version === undefined ? get(tenant, id) : { post, version };
    },
    async open(isKnown) {
      const found: KeptPost[] = [];
      for (const tenant of tenants) {
        for await (const record of all(tenant)) {
          const kept = isKnown({ tenant, id: record.id }) ? undefined : parsed(tenant, record);
          if (kept) found.push(kept);
        }
      }
      return found.toSorted((a, b) => a.post.createdAt - b.post.createdAt);
    },
    async change({ version }, post) {
      const name = { tenant: post.tenant, kind, id: post.id };
      const next = await store.putRecord(name, JSON.stringify(post), { version, keepMs });
      return next === undefined ? undefined : { post, version: next };
    },
    // Noted as done first: a copy of the reply that comes meanwhile must not begin it anew.
    async end({ post, version }) {
      await store.markDelivered(post.tenant, doneId(post));
      return store.dropRecord({ tenant: post.tenant, kind, id: post.id }, version);
    },
    onBegin(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
