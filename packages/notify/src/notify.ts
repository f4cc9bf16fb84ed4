import {
  idFrom,
  type Logger,
  type Notification,
  type NotificationsConfig,
  notificationKeyOf,
  whyNoChannel,
} from '@moltbot/shared';
import type { NewDelivery, Store } from '@moltbot/store';
import { clip } from './clip.ts';
import { channelsOf } from './routes.ts';
import { isSilenced } from './silence.ts';

export interface NotifyDeps {
  readonly config: NotificationsConfig;
  readonly store: Pick<Store, 'addNotification' | 'getRecord'>;
  readonly log: Logger;
}

/**
 * Routes a notification and stores it with a delivery for each of its channels, in one step. Resolves when it is durable; under an id
 * that was raised before nothing happens. A name in `to` that is no channel of its tenant stands for the log, and is warned of.
 * Of a matter that was silenced nobody is told.
 * @param urgent it neither waits for others, nor is it held, nor counted as a repetition
 * @throws MOLT_STORE_DOWN
 */
export async function notify(
  { config, store, log }: NotifyDeps,
  given: Notification,
  { urgent = false }: { readonly urgent?: boolean } = {},
): Promise<'new' | 'known'> {
  const notification = clip(given);
  const matter = { tenant: notification.tenant, key: notificationKeyOf(notification) };
  const isQuiet = !urgent && (await isSilenced(store, matter));
  const channels = isQuiet ? [] : channelsOf(notification, config);
  const how = urgent ? urgently(notification) : usually(notification, config);
  const outcome = await store.addNotification(
    notification,
    channels.map((channel) => ({ channel, ...how })),
  );
  const { tenant, id, severity, title, to = [] } = notification;
  if (outcome === 'known') return outcome;
  log.debug({ tenant, notification: id, severity, channels, title }, 'a notification was raised');
  for (const name of isQuiet ? [] : to) {
    const why = whyNoChannel(name, tenant, config.channels);
    if (why !== undefined) log.warn({ tenant, notification: id, title }, `the log is told instead: ${why}`);
  }
  return outcome;
}

type How = Omit<NewDelivery, 'channel'>;

/** A warning that becomes critical is another matter. */
const usually = (notification: Notification, { group }: NotificationsConfig): How => ({
  key: idFrom('matter', notification.severity, notificationKeyOf(notification)),
  group: idFrom('group', ...group.by.map((label) => notification.labels[label] ?? '')),
  delayMs: group.waitMs,
  urgent: false,
});

function urgently({ id }: Notification): How {
  const alone = idFrom('alone', id);
  return { key: alone, group: alone, delayMs: 0, urgent: true };
}
