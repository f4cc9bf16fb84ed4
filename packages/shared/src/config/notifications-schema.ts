import { z } from 'zod';
import { TenantId } from '../principal.ts';
import { severities } from '../schedule.ts';
import type { Secret } from '../secret.ts';
import { Name } from '../target.ts';
import type { NotificationRoute, NotificationsConfig, QuietHours, Weekday } from './config.ts';
import { defaults } from './defaults.ts';
import { duration, host, must, oneOf, type Section, secret, text, whole } from './words.ts';

/** A channel as it is written: what one kind alone has is checked in notification-checks.ts. */
export interface ChannelDraft {
  readonly kind: string;
  readonly tenant: string;
  readonly url?: Secret | undefined;
  readonly secret?: Secret | undefined;
  readonly allow?: readonly string[] | undefined;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly security?: 'starttls' | 'tls' | 'none' | undefined;
  readonly user?: string | undefined;
  readonly password?: Secret | undefined;
  readonly ca?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: readonly string[] | undefined;
  readonly options?: Readonly<Record<string, unknown>> | undefined;
}

export interface NotificationsDraft extends Omit<NotificationsConfig, 'channels'> {
  readonly channels: Readonly<Record<string, ChannelDraft>>;
}

/** What may be called though it is not public. */
export const callableHosts: z.ZodType<readonly string[], string[]> = z.array(
  text(/^[A-Za-z0-9.:_-]+(?:\/\d{1,3})?$/, 'a host name, an address or a CIDR block'),
  must('a list of hosts'),
);

const weekdays: readonly [Weekday, ...Weekday[]] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const tenant = TenantId.describe('The tenant it belongs to.').default(defaults.tenant);
const mailbox = text(
  /^(?:[^<>\r\n]{0,100}<[^\s<>@]+@[^\s<>@]+>|[^\s<>@]+@[^\s<>@]+)$/,
  'an address: ops@example.com, or Ops <ops@example.com>',
);
const timeOfDay = text(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'a time of day in quotes: "22:00"');
const zone = z
  .string(must('the IANA name of a time zone'))
  .refine(isZone, must('the IANA name of a time zone, such as Europe/Berlin'));

const channel: Section<ChannelDraft> = z.strictObject({
  kind: Name.describe('`webhook`, `email`, `log`, or one that a plugin offers.'),
  tenant,
  url: secret.describe('webhook: where it posts to.').optional(),
  secret: text(/^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/, 'whsec_ and the base64 of 24 to 64 random bytes')
    .pipe(secret)
    .describe('webhook: signs the posts (Standard Webhooks): `whsec_` and base64; write a reference.')
    .optional(),
  allow: callableHosts
    .describe('webhook: hosts, addresses and CIDR blocks that may be called though they are not public.')
    .optional(),
  host: host.describe('email: the SMTP server.').optional(),
  port: whole(1, 65_535).describe('email: its port. Default: 465 for `tls`, else 587.').optional(),
  security: oneOf(['starttls', 'tls', 'none'])
    .describe('email: `starttls` (default), `tls` from the first byte, or `none`.')
    .optional(),
  user: z.string(must('text')).min(1, must('a user name')).describe('email: user to log in as.').optional(),
  password: secret.describe('email: its password; write a reference.').optional(),
  ca: z
    .string(must('text'))
    .min(1, must('certificates in PEM'))
    .describe('email: certificates in PEM to trust beside the usual ones; write a reference.')
    .optional(),
  from: mailbox.describe('email: the sender.').optional(),
  to: z
    .array(mailbox, must('a list of addresses'))
    .min(1, must('a list of addresses'))
    .describe('email: the recipients.')
    .optional(),
  options: z.record(z.string(), z.unknown()).describe('Of a kind that a plugin offers: what it asks for.').optional(),
});

const labelPatterns = z.record(
  Name,
  text(/^[^\r\n]{1,200}$/, 'a glob of 1 to 200 characters (quote numbers and booleans)'),
);

const channelNames = z.array(Name, must('a list of channels'));

const route: Section<NotificationRoute> = z.strictObject({
  tenant,
  match: z
    .strictObject({
      severity: z
        .array(oneOf(severities), must('a list of severities'))
        .min(1, must('a list of severities'))
        .describe('One of these: info, warning, error, critical.')
        .optional(),
      min: oneOf(severities).describe('This severity, or graver.').optional(),
      labels: labelPatterns.describe('Every label must be there and fit its glob: `team: db-*`.').default({}),
    })
    .prefault({}),
  to: channelNames.describe('Channels; an empty list tells nobody.'),
  continue: z.boolean(must('true or false')).describe('true: the routes below are looked at too.').default(false),
});

const quietHours: Section<QuietHours> = z.strictObject({
  tenant,
  days: z
    .array(oneOf(weekdays), must('a list of days'))
    .min(1, must('a list of days'))
    .describe('Days on which they begin.')
    .default([...weekdays]),
  from: timeOfDay.describe('When they begin.'),
  to: timeOfDay.describe('When they end: the next time it is so late; `from` itself is a whole day.'),
  timezone: zone.describe('IANA name of a time zone.').default(defaults.quietHours.timezone),
  below: oneOf(severities).describe('What is less grave is held.').default(defaults.quietHours.below),
  channels: channelNames.min(1, must('a list of channels')).describe('Default: all of the tenant.').optional(),
});

export const notifications: Section<NotificationsDraft> = z
  .strictObject({
    channels: z
      .record(Name, channel, must('a map of channels'))
      .describe('Ways to tell people, by name. `log` is there without being written.')
      .prefault({}),
    routes: z
      .array(route, must('a list of routes'))
      .describe('Which channels tell what; the first that matches. What none of them takes goes to `log`.')
      .default([]),
    group: z
      .strictObject({
        wait: duration({ min: '0s', max: '1h' })
          .describe('So long the first of a group waits for others.')
          .prefault(defaults.notifications.group.wait),
        by: z
          .array(Name, must('a list of labels'))
          .describe('Labels: notifications with the same values are told together.')
          .default([...defaults.notifications.group.by]),
      })
      .prefault({}),
    repeatAfter: duration({ min: '0s', max: '7d' })
      .describe('The same matter is told again by a channel after this alone; `0s`: every time.')
      .prefault(defaults.notifications.repeatAfter),
    giveUpAfter: duration({ min: '1m', max: '7d' })
      .describe('How long delivery is tried.')
      .prefault(defaults.notifications.giveUpAfter),
    quietHours: z
      .array(quietHours, must('a list of quiet hours'))
      .describe('When what is not grave is held, to be told at their end in one message.')
      .default([]),
  })
  .transform(({ group, repeatAfter, giveUpAfter, ...rest }) => ({
    ...rest,
    group: { waitMs: group.wait, by: group.by },
    repeatAfterMs: repeatAfter,
    giveUpAfterMs: giveUpAfter,
  }))
  .prefault({});

function isZone(name: string): boolean {
  try {
    // Offsets such as +02:00 are taken by Intl, and know nothing of changes of the clock.
    return /^[A-Za-z]/.test(name) && new Intl.DateTimeFormat('en', { timeZone: name }).format(0) !== '';
  } catch {
    return false;
  }
}
