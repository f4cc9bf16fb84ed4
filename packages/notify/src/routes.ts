import {
  isBelow,
  logChannel,
  MoltError,
  matchesGlob,
  type Notification,
  type NotificationRoute,
  type NotificationsConfig,
  whyNoChannel,
} from '@moltbot/shared';

type Rules = Pick<NotificationsConfig, 'channels' | 'routes'>;

/**
 * The names of the channels that tell a notification, each once: those it names itself, else those of the routes of its tenant that take
 * it, else the log. For one that its tenant does not have (any more), the log.
 */
export function channelsOf(notification: Notification, rules: Rules): readonly string[] {
  const { tenant, to } = notification;
  const isKnown = (name: string): boolean => whyNoChannel(name, tenant, rules.channels) === undefined;
  if (to) return [...new Set(to.map((name) => (isKnown(name) ? name : logChannel)))];
  const taken: NotificationRoute[] = [];
  for (const route of rules.routes) {
    if (route.tenant !== tenant || !takes(route, notification)) continue;
    taken.push(route);
    if (!route.continue) break;
  }
  return taken.length === 0 ? [logChannel] : [...new Set(taken.flatMap((route) => route.to))];
}

function takes({ match: { severity, min, labels } }: NotificationRoute, notification: Notification): boolean {
  if (severity && !severity.includes(notification.severity)) return false;
  if (min && isBelow(notification.severity, min)) return false;
  return Object.entries(labels).every(([name, pattern]) => {
    const value = Object.hasOwn(notification.labels, name) ? notification.labels[name] : undefined;
    return value !== undefined && matchesGlob(pattern, value);
  });
}

/** @throws MOLT_UNKNOWN_CHANNEL when the tenant has no channel of that name */
export function requireChannel(name: string, tenant: string, { channels }: Pick<Rules, 'channels'>): void {
  const why = whyNoChannel(name, tenant, channels);
  if (why === undefined) return;
  throw new MoltError('MOLT_UNKNOWN_CHANNEL', why, {
    places: [{ path: '/channel', message: 'is no channel of this tenant' }],
  });
}
