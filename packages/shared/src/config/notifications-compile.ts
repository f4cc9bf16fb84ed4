import { Secret } from '../secret.ts';
import type { ChannelConfig, NotificationsConfig } from './config.ts';
import { defaults } from './defaults.ts';
import type { ChannelDraft, NotificationsDraft } from './notifications-schema.ts';

/** What a user wrote of notifications, checked, as what works with it. Names are looked up without a prototype. */
export function compileNotifications({ channels, ...rest }: NotificationsDraft): NotificationsConfig {
  const compiled = Object.entries(channels).map(([name, channel]) => [name, compileChannel(channel)] as const);
  return { ...rest, channels: Object.assign(Object.create(null), Object.fromEntries(compiled)) };
}

function compileChannel(draft: ChannelDraft): ChannelConfig {
  const { kind, tenant, url, secret, host, from, to } = draft;
  if (kind === 'log') return { kind, tenant };
  if (kind === 'webhook' && url && secret) return { kind, tenant, url, secret, allow: draft.allow ?? [] };
  if (kind === 'email' && host !== undefined && from !== undefined && to) {
    const { security = defaults.email.security, user, password, ca } = draft;
    const port = draft.port ?? (security === 'tls' ? 465 : defaults.email.port);
    return { kind, tenant, host, port, security, user, password, ca, from, to };
  }
  return { kind, tenant, options: new Secret(JSON.stringify(draft.options ?? {})) };
}
