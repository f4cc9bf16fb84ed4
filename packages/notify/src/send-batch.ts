import type { NotificationBatch, NotificationItem } from '@moltbot/plugin-sdk';
import {
  asMoltError,
  type Clock,
  gravest,
  type Logger,
  MoltError,
  type NotificationsConfig,
  withDeadline,
} from '@moltbot/shared';
import type { BatchEnd, NotificationStore, StoredBatch } from '@moltbot/store';
import type { Channels } from './channels/channels.ts';
import type { NotifyMetrics } from './notify-metrics.ts';
import { delayAfter } from './retry-ladder.ts';

export interface SendDeps {
  readonly config: Pick<NotificationsConfig, 'giveUpAfterMs'>;
  readonly store: Pick<NotificationStore, 'settleBatch'>;
  readonly channels: Channels;
  readonly metrics: NotifyMetrics;
  readonly clock: Clock;
  readonly log: Logger;
}

/** For all of one try. */
const sendMs = 60_000;

/**
 * Tries a batch once, and settles it. A try that the signal breaks off settles nothing: the batch stays due, and is sent again under its id.
 * Resolves with whether the channel took it. @throws MOLT_STORE_DOWN
 */
export async function sendBatch(deps: SendDeps, stored: StoredBatch, signal: AbortSignal): Promise<boolean> {
  const { store, metrics, clock, log } = deps;
  const { tenant, id, channel, tries } = stored;
  const bound = log.child({ tenant, channel, batch: id });
  const failure = await failureOf({ ...deps, log: bound }, stored, signal);
  if (failure && signal.aborted) return false;
  const end = failure ? endAfter(deps, stored, failure) : ({ kind: 'sent' } as const);
  const notifications = stored.items.map(({ notification }) => notification.id);
  if (end.kind === 'sent') {
    bound.info({ notifications, tries: tries + 1 }, 'told people');
    metrics.sent((clock.now() - stored.at) / 1_000);
  } else {
    const fields = { notifications, tries: tries + 1, code: failure?.code, error: end.error };
    if (end.kind === 'dead') bound.error(fields, 'people could not be told, and it is not tried again');
    else bound.warn({ ...fields, retryInMs: end.delayMs }, 'people could not be told; it is tried again');
  }
  if (await store.settleBatch(tenant, id, end)) metrics.count(outcomeOf(end, failure), notifications.length);
  return end.kind === 'sent';
}

async function failureOf(
  { channels, log }: Pick<SendDeps, 'channels' | 'log'>,
  stored: StoredBatch,
  outer: AbortSignal,
): Promise<MoltError | undefined> {
  try {
    const channel = channels.find(stored.tenant, stored.channel);
    if (!channel) throw new MoltError('MOLT_NOTIFY_REFUSED', `there is no channel "${stored.channel}" any more`);
    const batch = batchOf(stored);
    await withDeadline({ ms: sendMs, what: 'the channel', outer }, (signal) => channel.send(batch, { signal, log }));
    return undefined;
  } catch (error) {
    return asMoltError(error, 'MOLT_NOTIFY_FAILED');
  }
}

function endAfter({ config, clock }: SendDeps, { at, tries }: StoredBatch, failure: MoltError): BatchEnd {
  const error = failure.message.slice(0, 500);
  if (failure.code === 'MOLT_NOTIFY_REFUSED') return { kind: 'dead', error };
  if (clock.now() - at >= config.giveUpAfterMs) return { kind: 'dead', error };
  const asked = failure.details['retryAfterMs'];
  return { kind: 'retry', error, delayMs: delayAfter(tries, typeof asked === 'number' ? asked : 0) };
}

function outcomeOf({ kind }: BatchEnd, failure: MoltError | undefined): 'sent' | 'retried' | 'refused' | 'given-up' {
  if (kind === 'sent') return 'sent';
  if (kind === 'retry') return 'retried';
  return failure?.code === 'MOLT_NOTIFY_REFUSED' ? 'refused' : 'given-up';
}

/** The same at every try. */
function batchOf({ id, tenant, channel, at, kind, items }: StoredBatch): NotificationBatch {
  const inOrder: readonly NotificationItem[] = items.toSorted(
    ({ notification: a }, { notification: b }) => a.at - b.at || (a.id < b.id ? -1 : 1),
  );
  const severity = gravest(items.map(({ notification }) => notification.severity));
  return { id, tenant, channel, at, kind, severity, items: inOrder };
}
