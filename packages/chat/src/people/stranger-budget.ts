import type { Store } from '@moltbot/store';
import type { IncomingBase } from '../incoming.ts';

/** How much is said to people whom nobody knows: everything that they write costs of what the bot may say in a channel. */
export interface StrangerBudget {
  /** How long nothing is to be said to them, ms; undefined when they may be answered. @throws MOLT_STORE_DOWN */
  take(who: Pick<IncomingBase, 'tenant' | 'actor' | 'place'>): Promise<number | undefined>;
}

/** Enough to become known by, with some mistakes; then once in ten minutes. */
const ofPerson = { perSecond: 1 / 600, burst: 5 } as const;
/** All of them together, in one channel. */
const ofChannel = { perSecond: 1 / 30, burst: 20 } as const;

export function createStrangerBudget({
  store,
  platform,
}: {
  readonly store: Pick<Store, 'takeToken'>;
  readonly platform: { readonly name: string; readonly account: string };
}): StrangerBudget {
  const bot = `${platform.name}:${platform.account}`;
  return {
    async take({ tenant, actor, place }) {
      const person = await store.takeToken({ tenant, bucket: `chat.stranger:${bot}:${actor.id}`, ...ofPerson });
      // Whoever has had their part takes nothing of the others'.
      if (!person.allowed) return person.retryAfterMs;
      const bucket = `chat.strangers:${bot}:${place.channel}`;
      const channel = await store.takeToken({ tenant, bucket, ...ofChannel });
      return channel.allowed ? undefined : channel.retryAfterMs;
    },
  };
}
