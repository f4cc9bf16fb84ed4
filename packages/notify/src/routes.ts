import {
  isBelow,
  MoltError,
  matchesGlob,
  type Notification,
  type NotificationRoute,
  type NotificationsConfig,
  nearest,
} from '@moltbot/shared';

/** The channel that is there without being written. */
export const logChannel = 'log';

type Rules = Pick<NotificationsConfig, 'channels' | 'routes'>;

/**
 * The names of the channels that tell a notification, each once: those it names itself, else those of the routes of its tenant that take
 * it, else the log.
 * @throws MOLT_UNKNOWN_CHANNEL when it names one that its tenant does not have
 */
export function channelsOf(notification: Notification, rules: Rules): readonly string[] {
  const { tenant, to } = notification;
  if (to) return [...new Set(to.map((name) => known(name, tenant, rules)))];
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

function known(name: string, tenant: string, { channels }: Rules): string {
  const own = Object.entries(channels).flatMap(([each, channel]) => (channel.tenant === tenant ? [each] : []));
  const names = [...new Set([...own, logChannel])];
  if (names.includes(name)) return name;
  const meant = nearest(name, names);
  const hint = meant === undefined ? `; there are: ${names.join(', ')}` : `; did you mean "${meant}"?`;
  throw new MoltError('MOLT_UNKNOWN_CHANNEL', `there is no channel "${name}"${hint}`, {
    places: [{ path: '/channel', message: 'is no channel of this tenant' }],
  });
}
