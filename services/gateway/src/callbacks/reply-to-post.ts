import type { Delivery } from '@moltbot/bus';
import { type CallbacksConfig, type Envelope, replyIdOf } from '@moltbot/shared';
import type { Store } from '@moltbot/store';
import type { PostVerdict } from '@moltbot/webhooks';
import type { CallbackMetrics } from './callback-metrics.ts';
import type { ReceiverPlaces } from './receiver-places.ts';
import { rungAfter } from './retry-ladder.ts';
import { type TryDeps, tryPost } from './try-post.ts';

export interface PostDeps extends TryDeps {
  readonly store: Pick<Store, 'wasDelivered' | 'markDelivered' | 'getRuns'>;
  readonly callbacks: Pick<CallbacksConfig, 'giveUpAfterMs'>;
  readonly places: ReceiverPlaces;
  readonly metrics: CallbackMetrics;
}

/** Hop 6 for what came over HTTP: one reply to its receiver, back to the ladder, or to the dead letters. Settles its delivery. */
export async function replyToPost(delivery: Delivery, message: Envelope<'reply'>, deps: PostDeps): Promise<void> {
  const { log, metrics, places } = deps;
  const { callback, ...origin } = message.body.task.origin;
  const url = callback && URL.parse(callback.url);
  if (!url) {
    metrics.count('refused');
    log.error({ origin, task: message.body.task.id }, 'a reply has no address that can be called');
    return void (await delivery.dead(reasonOf('the task names no address that can be called')));
  }
  const bound = { ...deps, log: log.child({ task: message.body.task.id, trace: message.trace, receiver: url.host }) };
  if (await wasDelivered(message, bound)) {
    metrics.count('duplicate');
    return void (await delivery.ack());
  }
  const place = await places.take(url.origin);
  if (place.kind === 'closed') return handBack(delivery, deps);
  if (place.kind === 'full') {
    metrics.count('waited');
    return void (await delivery.delay(place.lap));
  }
  const verdict = await tryPost(message, { url, secret: callback.secret }, bound);
  place.leave({ hung: verdict.kind === 'failed' && verdict.hung });
  await settle(delivery, message, { verdict, ...bound });
}

async function settle(
  delivery: Delivery,
  message: Envelope<'reply'>,
  { verdict, ...deps }: PostDeps & { readonly verdict: PostVerdict },
): Promise<void> {
  const { metrics, clock, callbacks } = deps;
  const { finishedAt, tries } = message.body;
  const ageMs = clock.now() - finishedAt;
  if (verdict.kind === 'interrupted') return handBack(delivery, deps);
  if (verdict.kind === 'delivered') {
    metrics.count('delivered');
    metrics.delivered(ageMs / 1_000);
    await remember(message, deps);
    await delivery.ack();
  } else if (verdict.kind === 'refused' || ageMs >= callbacks.giveUpAfterMs) {
    metrics.count(verdict.kind === 'refused' ? 'refused' : 'given-up');
    await delivery.dead(reasonOf(verdict.why));
  } else {
    metrics.count('retried');
    const next = { ...message, body: { ...message.body, tries: tries + 1 } };
    await delivery.delay(rungAfter(tries, verdict.retryAfterMs), next);
  }
}

async function handBack(delivery: Delivery, { metrics }: Pick<PostDeps, 'metrics'>): Promise<void> {
  metrics.count('handed-back');
  await delivery.requeue();
}

/** Not knowing is no reason to keep a reply back: its receiver tells copies by their id. */
async function wasDelivered({ tenant, body }: Envelope<'reply'>, { store, log }: PostDeps): Promise<boolean> {
  try {
    return await store.wasDelivered(tenant, replyIdOf(body.task.id));
  } catch (err) {
    log.warn({ err }, 'it cannot be told whether a reply was delivered before; it is posted');
    return false;
  }
}

/** Before the ack: a process that dies between the two must find it noted. */
async function remember({ tenant, body }: Envelope<'reply'>, { store, log }: PostDeps): Promise<void> {
  try {
    await store.markDelivered(tenant, replyIdOf(body.task.id));
  } catch (err) {
    log.warn({ err }, 'a delivered reply could not be noted; a copy of it would be posted again, under its id');
  }
}

const reasonOf = (why: string): string => `MOLT_CALLBACK_FAILED: ${why}`.slice(0, 300);
