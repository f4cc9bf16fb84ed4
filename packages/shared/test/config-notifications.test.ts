// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references are written like this
import { describe, expect, test } from 'vitest';
import { formatConfig, isMoltError, loadConfig, type NotificationsConfig } from '../src/index.ts';

const secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const environment = { HOOK: 'https://hooks.example.com/T0/token', SIGN: secret, PASSWORD: 'hunter22' };
const load = (text: string) => loadConfig({ text, environment, cwd: '/srv' });
const notificationsOf = async (text: string): Promise<NotificationsConfig> => (await load(text)).config.notifications;

async function mistakesOf(text: string): Promise<readonly string[]> {
  const error = await load(text).catch((reason: unknown) => reason);
  if (!isMoltError(error)) throw new Error(`no MoltError but ${String(error)}`);
  return error.places.map(({ path, message }) => `${path.replace(/^\S+ notifications\./, '')} ${message}`);
}

const complete = `
tenants: {default: {}, acme: {}}
notifications:
  channels:
    hook: {kind: webhook, url: "\${env:HOOK}", secret: "\${env:SIGN}", allow: [10.0.0.0/8]}
    mail: {kind: email, tenant: acme, host: smtp, security: tls, user: u, password: "\${env:PASSWORD}", from: a@b.c, to: [Ops <o@b.c>]}
    plain: {kind: email, host: smtp, from: a@b.c, to: [o@b.c]}
    mine: {kind: mychat, options: {token: "\${env:PASSWORD}", room: 7}}
  routes:
    - {match: {min: error, labels: {team: "db-*"}}, to: [hook, log], continue: true}
    - {tenant: acme, match: {severity: [info]}, to: [mail]}
    - {to: []}
  group: {wait: 0s, by: []}
  repeatAfter: 0s
  giveUpAfter: 1h
  quietHours:
    - {from: "22:00", to: "07:00", timezone: Europe/Berlin, days: [fri, sat], channels: [hook]}
    - {tenant: acme, from: "00:00", to: "06:00"}
`;

describe('a complete section', () => {
  test('is read as it is meant', async () => {
    const { channels, routes, quietHours, ...rest } = await notificationsOf(complete);
    expect(rest).toEqual({ group: { waitMs: 0, by: [] }, repeatAfterMs: 0, giveUpAfterMs: 3_600_000 });
    expect(channels['hook']).toMatchObject({ kind: 'webhook', tenant: 'default', allow: ['10.0.0.0/8'] });
    expect(channels['mail']).toMatchObject({ kind: 'email', tenant: 'acme', port: 465, security: 'tls', user: 'u' });
    expect(channels['plain']).toMatchObject({ port: 587, security: 'starttls', user: undefined });
    const mine = channels['mine'];
    expect(mine && 'options' in mine && JSON.parse(mine.options.reveal())).toEqual({ token: 'hunter22', room: 7 });
    expect(routes).toEqual([
      ...[
        { tenant: 'default', match: { min: 'error', labels: { team: 'db-*' } }, to: ['hook', 'log'], continue: true },
      ],
      ...[{ tenant: 'acme', match: { severity: ['info'], labels: {} }, to: ['mail'], continue: false }],
      ...[{ tenant: 'default', match: { labels: {} }, to: [], continue: false }],
    ]);
    const week = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
    expect(quietHours).toEqual([
      {
        ...{ tenant: 'default', days: ['fri', 'sat'], from: '22:00', to: '07:00', timezone: 'Europe/Berlin' },
        ...{ below: 'critical', channels: ['hook'] },
      },
      { tenant: 'acme', days: week, from: '00:00', to: '06:00', timezone: 'UTC', below: 'critical' },
    ]);
  });

  test('is printed without its secrets: addresses that may hold tokens, passwords, what plugins are given', async () => {
    const printed = formatConfig((await load(complete)).config);
    expect(printed).toContain('kind: webhook');
    for (const hidden of ['token', 'hunter22', secret]) expect(printed).not.toContain(hidden);
  });
});

const section = (text: string): string => `notifications: {${text}}`;
const channel = (text: string): string => section(`channels: {a: {${text}}}`);

test.each([
  [channel('kind: webhok, url: "http://x.y"'), ['channels.a.kind there is no kind "webhok"; did you mean "webhook"?']],
  [
    channel('kind: webhook, host: h'),
    [
      'channels.a.host is not for the kind webhook: delete it',
      'channels.a.secret is missing: a channel of the kind webhook needs secret',
      'channels.a.url is missing: a channel of the kind webhook needs url',
    ],
  ],
  [
    channel('kind: webhook, url: "http://x", secret: abc'),
    [expect.stringMatching(/secret must be whsec_ and the base/)],
  ],
  [channel('kind: log, url: "http://x"'), ['channels.a.url is not for the kind log: delete it']],
  [
    channel('kind: email, host: h, from: nobody, to: [a@b.c]'),
    [expect.stringContaining('channels.a.from must be an address: ops@example.com')],
  ],
  [channel('kind: email, host: h, from: a@b.c, to: []'), [expect.stringMatching(/a\.to must be a list of addresses/)]],
  [channel('kind: email, host: h, from: a@b.c, to: [a@b.c], user: u'), ['channels.a.user has no password beside it']],
  [
    channel('kind: email, host: h, from: a@b.c, to: [a@b.c], prot: 1'),
    [expect.stringContaining('did you mean "port"')],
  ],
  [channel('kind: mychat, url: "http://x"'), [expect.stringContaining('stands under options')]],
  [channel('kind: log, tenant: acme'), ['channels.a.tenant there is no tenant "acme"; valid: default']],
  [
    section('channels: {ops: {kind: log}}, routes: [{to: [log, opps]}]'),
    ['routes[0].to[1] there is no channel "opps"; did you mean "ops"?'],
  ],
  [section('routes: [{to: [ops]}]'), ['routes[0].to[0] there is no channel "ops"; valid: log']],
  [
    `tenants: {default: {}, acme: {}}\n${section('channels: {ops: {kind: log, tenant: acme}}, routes: [{to: [ops]}]')}`,
    ['routes[0].to[0] the channel "ops" belongs to the tenant "acme"'],
  ],
  [section('routes: [{tenant: acme, to: []}]'), ['routes[0].tenant there is no tenant "acme"; valid: default']],
  [section('routes: [{match: {min: eror}, to: []}]'), [expect.stringContaining('routes[0].match.min must be one of')]],
  [
    section('routes: [{match: {severity: warning}, to: []}]'),
    [expect.stringContaining('must be a list of severities')],
  ],
  [section('routes: [{match: {labels: {team: 7}}, to: []}]'), [expect.stringContaining('quote numbers')]],
  [section('routes: [{}]'), [expect.stringContaining('routes[0].to is missing')]],
  [
    section('quietHours: [{from: "24:00", to: "7:00", timezone: Europe/Berlim}]'),
    [
      expect.stringContaining('quietHours[0].from must be a time of day in quotes: "22:00"'),
      expect.stringContaining('quietHours[0].timezone must be the IANA name'),
      expect.stringContaining('quietHours[0].to must be a time of day'),
    ],
  ],
  [section('quietHours: [{from: "07:00", to: "08:00", timezone: "+02:00"}]'), [expect.stringMatching(/IANA name/)]],
  [section('quietHours: [{from: "07:00", to: "08:00", channels: [x]}]'), [expect.stringMatching(/no channel "x"/)]],
  [section('repeatAfter: 8d'), [expect.stringContaining('repeatAfter must be a duration from 0s to 7d')]],
])('%s', async (text, expected) => {
  expect((await mistakesOf(text)).toSorted()).toEqual(expected);
});
