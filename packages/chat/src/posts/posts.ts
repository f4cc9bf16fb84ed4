import { asMoltError, type Logger, replyIdOf } from '@moltbot/shared';
import type { Store } from '@moltbot/store';
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
  /** Nothing when it is there, or was done before. @param about the task it answers; a post about one is done once */
  begin(post: Post): Promise<void>;
  open(): Promise<readonly KeptPost[]>;
  get(tenant: string, id: string): Promise<KeptPost | undefined>;
  /** @returns undefined when another instance has changed it: leave it */
  change(kept: KeptPost, post: Post): Promise<KeptPost | undefined>;
  end(kept: KeptPost): Promise<void>;
  wasDone(post: Post): Promise<boolean>;
  /** Calls back when a post is begun in this process. */
  onBegin(listener: () => void): void;
}

const pageSize = 200;

export function createPosts({ store, platform, tenants, log }: PostsDeps): Posts {
  const kind = `chat.posts.${platform.name}.${platform.account}`;
  const listeners: (() => void)[] = [];
  const doneId = ({ id }: Post): string => `${kind}:${replyIdOf(id)}`;
  const wasDone = (post: Post): Promise<boolean> => store.wasDelivered(post.tenant, doneId(post));

  const parsed = (tenant: string, record: { id: string; value: string; version: number }): KeptPost | undefined => {
    try {
      return { post: Post.parse(JSON.parse(record.value)), version: record.version };
    } catch (reason) {
      log.error({ tenant, post: record.id, reason: asMoltError(reason).message }, 'a post cannot be read');
      return undefined;
    }
  };
  async function* all(tenant: string): AsyncGenerator<KeptPost> {
    let cursor: string | undefined;
    do {
      const page = await store.listRecords({ tenant, kind }, { limit: pageSize, cursor });
      for (const record of page.records) {
        const kept = parsed(tenant, record);
        if (kept) yield kept;
      }
      cursor = page.cursor;
    } while (cursor !== undefined);
  }

  return {
    wasDone,
    async begin(post) {
      if (await wasDone(post)) return;
      await store.putRecord({ tenant: post.tenant, kind, id: post.id }, JSON.stringify(post), { version: 0 });
      for (const listener of listeners) listener();
    },
    async open() {
      const found: KeptPost[] = [];
      for (const tenant of tenants) for await (const kept of all(tenant)) found.push(kept);
      return found.toSorted((a, b) => a.post.createdAt - b.post.createdAt);
    },
    async get(tenant, id) {
      const record = await store.getRecord({ tenant, kind, id });
      return record && parsed(tenant, record);
    },
    async change({ version }, post) {
      const name = { tenant: post.tenant, kind, id: post.id };
      const next = await store.putRecord(name, JSON.stringify(post), { version });
      return next === undefined ? undefined : { post, version: next };
    },
    // Noted as done first: a copy of the reply that comes meanwhile must not begin it anew.
    async end({ post }) {
      await store.markDelivered(post.tenant, doneId(post));
      await store.dropRecord({ tenant: post.tenant, kind, id: post.id });
    },
    onBegin(listener) {
      listeners.push(listener);
    },
  };
}
