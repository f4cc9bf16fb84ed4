import { type Clock, type NotificationsConfig, newId } from '@moltbot/shared';
import type { DueDelivery, NewBatch, NotificationStore } from '@moltbot/store';
import type { NotifyMetrics } from './notify-metrics.ts';
import type { QuietUntil } from './quiet-hours.ts';

export interface GatherDeps {
  readonly config: Pick<NotificationsConfig, 'repeatAfterMs'>;
  readonly store: Pick<NotificationStore, 'dueDeliveries' | 'holdDeliveries' | 'gatherBatch'>;
  readonly quietUntil: QuietUntil;
  readonly metrics: NotifyMetrics;
  readonly clock: Clock;
}

const perStep = 200;
const stepsPerRound = 50;
/** What people can read in one message. */
const mattersPerBatch = 50;

/** Puts what is due into batches, or holds it until quiet hours are over. @throws MOLT_STORE_DOWN */
export async function gatherDue(deps: GatherDeps, tenant: string, signal: AbortSignal): Promise<void> {
  for (let step = 0; step < stepsPerRound && !signal.aborted; step += 1) {
    const due = await deps.store.dueDeliveries(tenant, perStep);
    const now = deps.clock.now();
    const untilOf = (each: DueDelivery): number | undefined =>
      each.urgent ? undefined : deps.quietUntil({ ...each.notification, channel: each.channel }, now);
    const judged = due.map((delivery) => ({ delivery, until: untilOf(delivery) }));
    await hold(deps, tenant, { judged, now });
    const ready = judged.filter(({ until }) => until === undefined).map(({ delivery }) => delivery);
    for (const bundle of bundlesOf(ready)) await gather(deps, tenant, bundle);
    if (due.length < perStep) return;
  }
}

interface Judged {
  readonly delivery: DueDelivery;
  readonly until: number | undefined;
}

async function hold(
  { store, metrics }: GatherDeps,
  tenant: string,
  { judged, now }: { readonly judged: readonly Judged[]; readonly now: number },
): Promise<void> {
  const held = Map.groupBy(
    judged.flatMap(({ delivery, until }) => (until === undefined ? [] : [{ delivery, until }])),
    ({ delivery: { channel }, until }) => `${until} ${channel}`,
  );
  for (const group of held.values()) {
    const [first] = group;
    if (!first) continue;
    const ids = group.map(({ delivery }) => delivery.notification.id);
    await store.holdDeliveries(tenant, first.delivery.channel, ids, Math.max(1, first.until - now));
    metrics.count('held', ids.length);
  }
}

/** Deliveries of one channel that go into one message: a group, or all that was held. */
interface Bundle {
  readonly channel: string;
  readonly kind: NewBatch['kind'];
  readonly deliveries: readonly DueDelivery[];
}

function bundlesOf(due: readonly DueDelivery[]): readonly Bundle[] {
  const bundles = Map.groupBy(due, ({ channel, group, held }) => `${channel} ${held ? 'digest' : `now ${group}`}`);
  return [...bundles.values()].flatMap((deliveries) => {
    const [first] = deliveries;
    return first ? [{ channel: first.channel, kind: first.held ? 'digest' : 'now', deliveries }] : [];
  });
}

async function gather(
  { store, config, metrics }: GatherDeps,
  tenant: string,
  { channel, kind, deliveries }: Bundle,
): Promise<void> {
  const { repeatAfterMs } = config;
  const matters = mattersOf(deliveries, repeatAfterMs);
  for (let at = 0; at < matters.length; at += mattersPerBatch) {
    const some = matters.slice(at, at + mattersPerBatch);
    const items = await store.gatherBatch({ tenant, id: newId(), channel, kind, matters: some, repeatAfterMs });
    metrics.count('repeated', some.flatMap(({ ids }) => ids).length - items);
  }
}

/** Oldest matters first; of one matter the newest, which is told, first. */
function mattersOf(deliveries: readonly DueDelivery[], repeatAfterMs: number): NewBatch['matters'] {
  const inOrder = deliveries.toSorted(byTime);
  const keyOf = ({ key, notification }: DueDelivery): string => (repeatAfterMs === 0 ? notification.id : key);
  return [...Map.groupBy(inOrder, keyOf)].map(([key, same]) => ({
    key,
    ids: same.map(({ notification }) => notification.id).toReversed(),
  }));
}

const byTime = ({ notification: a }: DueDelivery, { notification: b }: DueDelivery): number =>
  a.at - b.at || (a.id < b.id ? -1 : 1);
