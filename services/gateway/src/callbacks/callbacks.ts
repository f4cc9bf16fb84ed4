import type { Bus, Delivery, Subscription } from '@moltbot/bus';
import {
  type CallbacksConfig,
  type Clock,
  type Envelope,
  isKind,
  type Logger,
  type Registry,
  type Service,
} from '@moltbot/shared';
import type { Store } from '@moltbot/store';
import { createPoster, guardOf } from '@moltbot/webhooks';
import { createCallbackMetrics } from './callback-metrics.ts';
import { createReceiverPlaces } from './receiver-places.ts';
import { type PostDeps, replyToPost } from './reply-to-post.ts';

export interface CallbacksDeps {
  readonly bus: Pick<Bus, 'consume' | 'state'>;
  readonly store: Pick<Store, 'wasDelivered' | 'markDelivered' | 'getRuns'>;
  readonly callbacks: CallbacksConfig;
  readonly clock: Clock;
  readonly log: Logger;
  readonly registry: Registry;
}

const queue = { kind: 'replies', platform: 'http' } as const;
const prefetch = 16;
/** A reply that merely waited here while processes died counts their deaths as its own: a lap starts its count anew. */
const returnsAtMost = 10;

/**
 * Posts the ends of tasks to where they were asked for, as Standard Webhooks. At least once, under one id: copies come when a
 * process dies, or the store cannot be reached, between a post and the note of it.
 */
export function createCallbacks(deps: CallbacksDeps): Service {
  const { bus, callbacks, clock, registry } = deps;
  const poster = createPoster({
    guard: guardOf({ allow: callbacks.allow, setting: 'callbacks.allow' }, 'MOLT_BAD_CALLBACK'),
    ...{ timeoutMs: callbacks.timeoutMs, clock },
  });
  const places = createReceiverPlaces(clock);
  const handOver = new AbortController();
  const posting = { ...deps, places, poster, handOver: handOver.signal };
  const metrics = createCallbackMetrics(registry, places.taken);
  const hands = createHands({ ...posting, metrics });
  let subscription: Subscription | undefined;

  /** Begins no more posts; those under way go on. */
  const close = async (): Promise<void> => {
    const current = subscription;
    subscription = undefined;
    await current?.cancel();
    places.close();
  };

  return {
    name: 'callbacks',
    async start() {
      subscription = await bus.consume(queue, { prefetch }, hands.take);
    },
    async quiesce(force) {
      await close();
      const breakOff = (): void => handOver.abort();
      if (force.aborted) breakOff();
      else force.addEventListener('abort', breakOff, { once: true });
      await hands.idle();
      force.removeEventListener('abort', breakOff);
    },
    async stop() {
      await close();
      handOver.abort();
      await hands.idle();
      poster.close();
    },
    health: () => (bus.state() === 'closed' ? { ok: false, detail: 'the bus is closed' } : { ok: true }),
  };
}

/** The replies that are in hand here. */
function createHands(deps: PostDeps): { take(delivery: Delivery): Promise<void>; idle(): Promise<void> } {
  const inHand = new Set<Promise<void>>();
  const ids = new Set<string>();

  const deal = async (delivery: Delivery): Promise<void> => {
    const { message } = delivery;
    if (!isKind(message, 'reply')) {
      await delivery.dead(`a ${message.kind} message does not belong in a queue of replies`);
    } else if (ids.has(message.body.task.id) || delivery.previousDeliveries >= returnsAtMost) {
      // A copy of one in hand is told to be one when that is delivered.
      await delivery.delay('5s');
    } else {
      await withId(message, () => replyToPost(delivery, message, deps));
    }
  };

  const withId = async ({ body }: Envelope<'reply'>, work: () => Promise<void>): Promise<void> => {
    ids.add(body.task.id);
    try {
      await work();
    } finally {
      ids.delete(body.task.id);
    }
  };

  return {
    async take(delivery) {
      const dealt = deal(delivery);
      inHand.add(dealt);
      try {
        await dealt;
      } finally {
        inHand.delete(dealt);
      }
    },
    async idle() {
      while (inHand.size > 0) await Promise.allSettled(inHand);
    },
  };
}
