// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references are written like this
import { expect, test } from 'vitest';
import { type ErrorPlace, errorCatalog, isMoltError, type LoadConfigOptions, loadConfig } from '../src/index.ts';

const nothingThere = async (path: string): Promise<string> => {
  throw Object.assign(new Error(`no ${path}`), { code: 'ENOENT' });
};

async function mistakesOf(options: Partial<LoadConfigOptions>): Promise<readonly ErrorPlace[]> {
  const error = await loadConfig({ environment: {}, cwd: '/srv', readFile: nothingThere, ...options }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isMoltError(error)) throw new Error(`no MoltError but ${String(error)}`);
  expect(error.code).toBe('MOLT_BAD_CONFIG');
  expect(error.remedy).toBe(errorCatalog.MOLT_BAD_CONFIG.remedy);
  expect(error.message).toContain(error.places[0]?.path);
  return error.places;
}

const sshTarget = 'ssh: {identities: {default: {agent: /a}}}\ntargets:\n  - {name: a, host: h, user: u}\n';
const hash = `sha256:${'0'.repeat(64)}`;

/** What is written; where the one mistake is; what is said about it. */
const mistakes: readonly (readonly [text: string, place: string, message: string])[] = [
  // The text itself
  ['bot:\n  name: "x', '2:11', 'is not YAML: Missing closing "quote'],
  ['bot:\n\tname: x', '2:1', 'is not YAML: Tabs are not allowed as indentation'],
  ['bot: {}\n---\nbot: {}', '2:1', 'is not YAML: Source contains multiple documents'],
  ['bot:\n  name: a\n  name: b', '3:3', 'the key is given twice: keep one'],
  ['bot: *nobody', '', 'is not YAML: Unresolved alias'],
  ['- a\n- b', '1:1', 'must be a map of keys and values'],
  // Schedules
  [
    "schedules: [{id: a, when: '@daily', overlap: skp, task: {action: x, on: y}}]",
    '1:46 schedules[0].overlap',
    'Invalid option',
  ],
  [
    "schedules:\n  - {id: a, when: '@daily', task: {action: x, on: y}}\n  - {id: a, when: '@daily', task: {action: x, on: y}}",
    '3:10 schedules[1].id',
    'is the id of an earlier schedule of this tenant',
  ],
  [
    "schedules: [{id: a, tenant: acme, when: '@daily', task: {action: x, on: y}}]",
    '1:29 schedules[0].tenant',
    'there is no tenant "acme"',
  ],
  [
    "calendars: {holidays: {days: [sun]}}\nschedules: [{id: a, when: '@daily', calendars: {exclude: [holiday]}, task: {action: x, on: y}}]",
    '2:59 schedules[0].calendars.exclude[0]',
    'there is no calendar "holiday"; did you mean "holidays"?',
  ],
  [
    "notifications: {channels: {ops: {kind: log}}}\nschedules: [{id: a, when: '@daily', onFailure: {to: [log, opps]}, task: {action: x, on: y}}]",
    '2:59 schedules[0].onFailure.to[1]',
    'there is no channel "opps"; did you mean "ops"?',
  ],
  [
    "tenants: {default: {}, acme: {}}\nnotifications: {channels: {ops: {kind: log}}}\nschedules: [{id: a, tenant: acme, when: '@daily', alerts: [{if: 'true', title: x, to: [ops]}], task: {action: x, on: y}}]",
    '3:88 schedules[0].alerts[0].to[0]',
    'the channel "ops" belongs to the tenant "default"',
  ],
  [
    "schedules: [{id: a, when: '@daily', onFailure: {to: []}, task: {action: x, on: y}}]",
    '1:53 schedules[0].onFailure.to',
    'name a channel, or leave it out',
  ],
  ['calendars: {off: {days: [someday]}}', '1:26 calendars.off.days[0]', 'must be a day: 2026-12-25'],
  ['calendars: {off: {}}', '1:18 calendars.off', 'needs days or ics'],
  // Keys
  ['gatway: {}', '1:1 gatway', 'unknown key; did you mean "gateway"?'],
  ['gateway:\n  prot: 80', '2:3 gateway.prot', 'unknown key; did you mean "port"?'],
  ['log:\n  zzzzzzzzzzzz: 1', '2:3 log.zzzzzzzzzzzz', 'unknown key; valid: level'],
  ['log: {__proto__: 1}', '1:7 log.__proto__', 'unknown key; valid: level'],
  ['log: {constructor: 1}', '1:7 log.constructor', 'unknown key; valid: level'],
  ['tenants:\n  Bad_One: {}', '2:3 tenants.Bad_One', 'a tenant id is 1 to 32 of a-z, 0-9 and -, not at its ends'],
  ['ssh:\n  identities:\n    a/b: {agent: /a}', '3:5 ssh.identities["a/b"]', 'a name is 1 to 128 of'],
  // Values
  ['gateway:\n  port:', '2:8 gateway.port', 'has no value: must be a whole number from 0 to 65535, or delete it'],
  ['gateway:\n  port: 65536', '2:9 gateway.port', 'must be a whole number from 0 to 65535'],
  ['gateway:\n  port: "80"', '2:9 gateway.port', 'must be a whole number from 0 to 65535'],
  ['gateway:\n  host: http://x', '2:9 gateway.host', 'must be a host name or an IP address'],
  [
    'gateway:\n  maxWait: 30',
    '2:12 gateway.maxWait',
    'must be a duration from 0s to 24d, such as 500ms, 30s, 5m, 1h30m',
  ],
  ['gateway:\n  maxWait: 30 s', '2:12 gateway.maxWait', 'must be a duration from 0s to 24d'],
  ['executor: {timeouts: {total: 25d}}', '1:30 executor.timeouts.total', 'must be a duration from 1ms to 24d'],
  ['executor: {timeouts: {connect: 0s}}', '1:32 executor.timeouts.connect', 'must be a duration from 1ms to 24d'],
  ['gateway: {bodyLimit: 1MB}', '1:22 gateway.bodyLimit', 'must be a size from 1KiB to 100MiB, such as 64KiB or 1MiB'],
  ['executor: {outputCap: 2GiB}', '1:23 executor.outputCap', 'must be a size from 1KiB to 1GiB'],
  ['executor: {slots: 1.5}', '1:19 executor.slots', 'must be a whole number from 1 to 1000'],
  ['limits: {requests: {perSecond: 0}}', '1:32 limits.requests.perSecond', 'must be a number above 0'],
  ['log:\n  level: inof', '2:10 log.level', 'must be one of debug, info, warn, error, silent'],
  ['ssh: {hostKeys: no}', '1:17 ssh.hostKeys', 'must be one of strict, accept-new'],
  ['bot: {name: 5}', '1:13 bot.name', 'must be a name of 1 to 64 characters'],
  ['bot: moltbot', '1:6 bot', 'must be a map of keys and values'],
  ['plugins: shell', '1:10 plugins', 'must be a list of plugins'],
  ['plugins:\n  - src/mine.ts', '2:5 plugins[0]', 'must be a package name, or the path of a module that begins with'],
  [
    'platforms: {discord: {main: {token: t, guilds: {"123456789012345678": {channels: [123456789012345678]}}}}}',
    '1:83 platforms.discord.main.guilds.123456789012345678.channels[0]',
    'must be the id of a channel in quotes',
  ],
  [
    'platforms:\n  lark:\n    main:\n      appId: cli_0123456789abcdef',
    '3:5 platforms.lark.main.appSecret',
    'is missing: must be text',
  ],
  [
    'platforms: {lark: {main: {appId: cli_0123456789abcdef, appSecret: s, mode: webhook}}}',
    '1:26 platforms.lark.main',
    'mode webhook needs encryptKey and verificationToken',
  ],
  [
    'platforms: {discord: {main: {token: t, directMessages: defalt}}}',
    '1:56 platforms.discord.main.directMessages',
    'there is no tenant "defalt"; did you mean "default"?',
  ],
  [
    'notifications: {channels: {ops: {kind: lark, options: {chat: oc_1}}}}',
    '1:46 notifications.channels.ops.options.bot',
    'there is no bot "main" under platforms.lark',
  ],
  [
    [
      'tenants: {default: {}, acme: {}}',
      'platforms: {lark: {main: {appId: cli_0123456789abcdef, appSecret: s}}}',
      'notifications: {channels: {ops: {kind: lark, tenant: acme, options: {bot: main}}}}',
    ].join('\n'),
    '3:75 notifications.channels.ops.options.bot',
    'the bot "main" does not serve the tenant "acme"',
  ],
  [
    'platforms: {aliases: [{name: a, action: b}, {name: a, action: c}]}',
    '1:52 platforms.aliases[1].name',
    'is an earlier alias of this tenant',
  ],
  [
    `tenants:\n  default:\n    apiKeys:\n      - id: abcdefghij\n        hash: md5`,
    '5:15 tenants.default.apiKeys[0].hash',
    'must be a hash as `moltbot key new` prints it',
  ],
  [
    `tenants: {a: {apiKeys: [{id: A, hash: "${hash}"}]}}`,
    '1:30 tenants.a.apiKeys[0].id',
    'must be an id as `moltbot key new` prints it',
  ],
  ['ssh: {identities: {x: {}}}', '1:23 ssh.identities.x', 'needs privateKey, password or agent'],
  ['ssh: {identities: {x: {agent: /a, passphrase: p}}}', '1:23 ssh.identities.x', 'has a passphrase and no privateKey'],
  ['targets:\n  -', '2:4 targets[0]', 'has no value: must be a map of keys and values'],
  ['targets: [{name: a b, transport: local}]', '1:18 targets[0].name', 'a name is 1 to 128 of'],
  ['targets: [{transport: local}]', '1:11 targets[0].name', 'is missing: must be text'],
  [
    'targets: [{name: a, transport: local, labels: {env: 1}}]',
    '1:53 targets[0].labels.env',
    'must be text of 1 to 128 characters',
  ],
  [
    sshTarget.replace('u}', 'u, hostKey: "MD5:aa"}'),
    '3:42 targets[0].hostKey',
    'must be a fingerprint as ssh-keygen -l prints it',
  ],
  [sshTarget.replace('u}', 'u, port: 0}'), '3:39 targets[0].port', 'must be a whole number from 1 to 65535'],
  [
    sshTarget.replace('host: h', 'host: -oProxyCommand=x'),
    '3:21 targets[0].host',
    'must be a host name or an IP address',
  ],
  ['guard: {directory: "~root/x"}', '1:20 guard.directory', 'must be a path of letters, digits'],
  ['guard: {retention: 30m}', '1:20 guard.retention', 'must be a duration from 1h to 365d'],
  ['executor: {watchAfter: 26m}', '1:24 executor.watchAfter', 'must be a duration from 1s to 25m'],
  ['callbacks: {allow: localhost}', '1:20 callbacks.allow', 'must be a list of hosts'],
  ['callbacks: {allow: ["http://a"]}', '1:21 callbacks.allow[0]', 'must be a host name, an address or a CIDR block'],
  ['targets: [{name: a, transport: local, guard: false}]', '1:46 targets[0].guard', 'must be one of shell, systemd'],
  // Between values
  [
    'executor: {timeouts: {queue: 7d}}',
    '1:30 executor.timeouts.queue',
    'must be shorter than guard.retention (3d): a run may start 7d after its acceptance',
  ],
  [
    'executor: {timeouts: {queue: 2h}}\nguard: {retention: 120m}',
    '2:20 guard.retention',
    'must be longer than executor.timeouts.queue (2h)',
  ],
  [
    'retention: {tasks: 3d}',
    '1:20 retention.tasks',
    'must be longer than guard.retention (3d): a key that is used again',
  ],
  ['retention: {occurrences: 30s}', '1:26 retention.occurrences', 'must be a duration from 1m to 3650d'],
  ['guard: {retention: 7d}', '1:20 guard.retention', 'must be shorter than retention.tasks (7d)'],
  ['guard: {retention: 24h}', '1:20 guard.retention', 'must be longer than executor.timeouts.queue (24h)'],
  [
    'callbacks: {allow: [10.0.0.0/8, 10.0.0.0/33]}',
    '1:33 callbacks.allow[1]',
    'must be an address and the length of a prefix',
  ],
  ['callbacks: {allow: [hooks/8]}', '1:21 callbacks.allow[0]', 'must be an address and the length of a prefix'],
  ['bus: {kind: amqp}', '1:13 bus.kind', 'needs bus.url, which begins with amqp:// or amqps://'],
  ['store: {kind: redis}', '1:15 store.kind', 'needs store.url, which begins with redis:// or rediss://'],
  ['bus: {url: "http://x"}', '1:12 bus.url', 'must begin with amqp:// or amqps://'],
  [
    'bus: {url: "amqp://u:p#w@h"}',
    '1:12 bus.url',
    'must be a URL that begins with amqp:// or amqps://; write / @ : # in a password as',
  ],
  ['bus: {url: "amqp:///v"}', '1:12 bus.url', 'names no host'],
  ['store: {kind: embedded, url: "redis://x"}', '1:30 store.url', 'does not go with kind embedded'],
  ['store: {url: rabbit}', '1:14 store.url', 'must be a URL that begins with redis:// or rediss://'],
  [
    `${sshTarget}  - {name: a, host: i, user: u}`,
    '4:12 targets[1].name',
    'is the name of an earlier target of this tenant',
  ],
  [
    sshTarget.replace('u}', 'u, tenant: defualt}'),
    '3:41 targets[0].tenant',
    'there is no tenant "defualt"; did you mean "default"?',
  ],
  [`tenants: {acme: {}}\n${sshTarget}`, '4:5 targets[0].tenant', 'there is no tenant "default"; valid: acme'],
  [
    sshTarget.replace('u}', 'u, identity: defalt}'),
    '3:43 targets[0].identity',
    'there is no "defalt" under ssh.identities; did you mean "default"?',
  ],
  [
    'ssh: {identities: {other: {agent: /a}}}\ntargets: [{name: a, host: h, user: u}]',
    '2:11 targets[0].identity',
    'there is no "default" under ssh.identities: add it',
  ],
  [sshTarget.replace(', user: u', ''), '3:5 targets[0].user', 'is missing: an ssh target needs user'],
  [sshTarget.replace(', host: h', ''), '3:5 targets[0].host', 'is missing: an ssh target needs host'],
  [
    'targets: [{name: a, transport: local, port: 22}]',
    '1:45 targets[0].port',
    'is for ssh targets: delete it, or set transport: ssh',
  ],
  ['plugins: ["@a/b", "@a/b"]', '1:19 plugins[1]', 'is the same plugin again'],
  [
    `tenants:\n  a:\n    apiKeys:\n      - {id: abcdefghij, hash: "${hash}"}\n      - {id: abcdefghij, hash: "${hash}"}`,
    '5:14 tenants.a.apiKeys[1].id',
    'is the id of an earlier key of this tenant',
  ],
  // References
  ['bot: {name: "${env:NOT_THERE}"}', '1:13 bot.name', 'refers to the variable NOT_THERE, which is not set'],
  ['bot: {name: "${env:toString}"}', '1:13 bot.name', 'refers to the variable toString, which is not set'],
  [
    'bus: {url: "amqp://${file:/no/such}@h"}',
    '1:12 bus.url',
    'refers to the file /no/such, which cannot be read (ENOENT)',
  ],
  ['bot: {name: "${evn:HOME}"}', '1:13 bot.name', 'refers to an unknown source; did you mean env?'],
  [
    'bot: {name: "${HOME}"}',
    '1:13 bot.name',
    'holds "${" that begins no reference: write ${env:NAME}, ${file:/path} or $${',
  ],
  ['bot: {name: "a ${env:HOME"}', '1:13 bot.name', 'holds "${" that begins no reference'],
];

test.each(mistakes)('%j → %s', async (text, place, message) => {
  const places = await mistakesOf({ text });
  expect(places).toEqual([
    { path: place === '' ? 'config.yaml' : `config.yaml:${place}`, message: expect.stringContaining(message) },
  ]);
});

test('every mistake is told at once, from top to bottom, each once', async () => {
  const text = [
    'gateway:',
    '  port: 99999',
    '  prot: 1',
    'bus: {kind: amqp}',
    'targets:',
    '  - {name: a, tenant: b, transport: local}',
    '  -',
    '  - {name: c, transport: docker}',
    '  - {name: d, identity: 5, host: h, user: u}',
    'log: {level: "${env:LEVEL}"}',
    'bot: {name: "${env:NAME}"}',
  ].join('\n');
  const places = await mistakesOf({ text, environment: { LEVEL: 'loud', MOLTBOT_EXECUTOR_SLOTS: 'many' } });
  expect(places.map(({ path }) => path)).toEqual([
    'config.yaml:2:9 gateway.port',
    'config.yaml:3:3 gateway.prot',
    'config.yaml:4:13 bus.kind',
    'config.yaml:6:23 targets[0].tenant',
    'config.yaml:7:4 targets[1]',
    'config.yaml:8:26 targets[2].transport',
    'config.yaml:9:25 targets[3].identity',
    'config.yaml:10:14 log.level',
    'config.yaml:11:13 bot.name',
    'MOLTBOT_EXECUTOR_SLOTS executor.slots',
  ]);
});

test('a mistake in a variable names the variable, and the place in it when it is YAML', async () => {
  const mistakes = (environment: Record<string, string>): Promise<readonly ErrorPlace[]> => mistakesOf({ environment });
  expect(await mistakes({ MOLTBOT_GATEWAY_PORT: '99999' })).toEqual([
    { path: 'MOLTBOT_GATEWAY_PORT gateway.port', message: 'must be a whole number from 0 to 65535' },
  ]);
  expect(await mistakes({ MOLTBOT_GATEWAY: '{prot: 1}' })).toEqual([
    { path: 'MOLTBOT_GATEWAY:1:2 gateway.prot', message: 'unknown key; did you mean "port"?' },
  ]);
  expect(await mistakes({ MOLTBOT_TARGETS: '[{name: a}' })).toEqual([
    { path: 'MOLTBOT_TARGETS:1:11', message: expect.stringContaining('is not YAML') },
  ]);
});

test('a file that is named and not there is a mistake', async () => {
  const expected = [{ path: 'my.yaml', message: 'cannot be read (ENOENT)' }];
  expect(await mistakesOf({ file: 'my.yaml' })).toEqual(expected);
  expect(await mistakesOf({ environment: { MOLTBOT_CONFIG: 'my.yaml' } })).toEqual(expected);
});

test('a file that cannot be read is a mistake even when nobody named it', async () => {
  const readFile = async (): Promise<string> => {
    throw Object.assign(new Error('no'), { code: 'EACCES' });
  };
  expect(await mistakesOf({ readFile })).toEqual([{ path: 'config.yaml', message: 'cannot be read (EACCES)' }]);
});

test('aliases that would fill the memory are refused', async () => {
  const rows = Array.from(
    { length: 9 },
    (_, level) => `a${level}: &a${level} [${Array(9).fill(level ? `*a${level - 1}` : 'x')}]`,
  );
  const [place] = await mistakesOf({ text: rows.join('\n') });
  expect(place?.message).toContain('Excessive alias count');
});

test.each([
  'bot: {name: x}}\n',
  'bot: {}\n ]hunter22',
  'a: b: hunter22',
  '"hunter22" x',
  'bot: "hunter22\n',
  '@hunter22',
  'x: `hunter22',
])('a syntax error repeats nothing of the text: %j', async (text) => {
  const places = await mistakesOf({ text });
  expect(places[0]?.message).toMatch(/^is not YAML: \S/);
  expect(JSON.stringify(places)).not.toContain('hunter22');
});

test('what came through a reference is not in any message', async () => {
  const secret = 'correct-horse-battery';
  const text =
    'targets: [{name: "${env:S}", tenant: "${env:S}", transport: local}, {name: "${env:S}", tenant: "${env:S}", transport: local}]\nlog: {level: "${env:S}"}\nbus: {url: "${env:S}"}\nplugins: ["${env:S}/x"]';
  const places = await mistakesOf({ text, environment: { S: secret } });
  expect(places).toHaveLength(6);
  expect(JSON.stringify(places)).not.toContain(secret);
});
