// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references are written like this
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileCache } from '@moltbot/testkit';
import { afterAll, describe, expect, test } from 'vitest';

const main = join(import.meta.dirname, '../packages/cli/src/main.ts');
const directory = mkdtempSync(join(tmpdir(), 'moltbot-config-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** `moltbot …`, in a process of its own. */
const moltbot = (args: readonly string[], environment: Record<string, string> = {}): Promise<Ended> =>
  new Promise((resolve) => {
    const options = { cwd: directory, env: { PATH: process.env['PATH'], ...compileCache(), ...environment } };
    execFile(process.execPath, [main, ...args], options, (error, out, err) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, out, err }),
    );
  });

function check(name: string, text: string, environment: Record<string, string> = {}): Promise<Ended> {
  writeFileSync(join(directory, name), text);
  return moltbot(['config', 'check', '--file', name], environment);
}

const hash = `sha256:${'0'.repeat(64)}`;
const ways = 'ssh: {identities: {default: {agent: /a}}}\n';

/** What is written; line and column of the mistake, with its key; what is said of it. */
const mistakes: readonly (readonly [text: string, place: string, message: string])[] = [
  ['gatway: {}', '1:1 gatway', 'unknown key; did you mean "gateway"?'],
  ['gateway:\n  prot: 80', '2:3 gateway.prot', 'unknown key; did you mean "port"?'],
  ['gateway:\n  port: "80"', '2:9 gateway.port', 'must be a whole number from 0 to 65535'],
  ['gateway:\n  port: 65536', '2:9 gateway.port', 'must be a whole number from 0 to 65535'],
  ['gateway:\n  port:', '2:8 gateway.port', 'has no value'],
  ['gateway:\n  maxWait: 30', '2:12 gateway.maxWait', 'must be a duration from 0s to 24d, such as 500ms'],
  ['gateway: {bodyLimit: 1MB}', '1:22 gateway.bodyLimit', 'must be a size from 1KiB to 100MiB'],
  ['gateway:\n  host: http://x', '2:9 gateway.host', 'must be a host name or an IP address'],
  ['log:\n  level: inof', '2:10 log.level', 'must be one of debug, info, warn, error, silent'],
  ['bot: moltbot', '1:6 bot', 'must be a map of keys and values'],
  ['bus: {url: "http://x"}', '1:12 bus.url', 'must begin with amqp:// or amqps://'],
  ['store: {url: rabbit}', '1:14 store.url', 'must be a URL that begins with redis:// or rediss://'],
  ['bus: {kind: amqp}', '1:13 bus.kind', 'needs bus.url'],
  [
    'targets:\n  - {name: a, transport: local}\n  - {name: a, transport: local}',
    '3:12 targets[1].name',
    'earlier target',
  ],
  [`${ways}targets: [{name: a, host: h}]`, '2:11 targets[0].user', 'is missing: an ssh target needs user'],
  ['targets: [{name: a b, transport: local}]', '1:18 targets[0].name', 'a name is 1 to 128 of'],
  ['targets: [{name: a, transport: telnet}]', '1:32 targets[0].transport', 'must be one of ssh, local'],
  ['targets: [{name: a, transport: local, port: 22}]', '1:45 targets[0].port', 'is for ssh targets'],
  [
    'targets: [{name: a, transport: local, tenant: defualt}]',
    '1:47 targets[0].tenant',
    'there is no tenant "defualt"; did you mean "default"?',
  ],
  [`${ways}targets: [{name: a, host: h, user: u, identity: defalt}]`, '2:49 targets[0].identity', 'mean "default"?'],
  ['ssh: {identities: {x: {}}}', '1:23 ssh.identities.x', 'needs privateKey, password or agent'],
  ['bot: {name: "${env:NOT_THERE}"}', '1:13 bot.name', 'refers to the variable NOT_THERE, which is not set'],
  ['bot: {name: "${file:/no/such}"}', '1:13 bot.name', 'refers to the file /no/such, which cannot be read (ENOENT)'],
  ['bot:\n  name: "x', '2:11', 'is not YAML: Missing closing "quote'],
  ['bot:\n\tname: x', '2:1', 'is not YAML: Tabs are not allowed as indentation'],
  ['bot:\n  name: a\n  name: b', '3:3', 'the key is given twice: keep one'],
  [`tenants: {a: {apiKeys: [{id: A, hash: "${hash}"}]}}`, '1:30 tenants.a.apiKeys[0].id', 'must be an id as'],
];

describe.concurrent('a wrong configuration is shown with its place and a remedy, and ends with 1:', () => {
  test.each(mistakes.map((mistake, index) => [index, ...mistake] as const))(
    '%i. %j',
    async (index, text, place, message) => {
      const name = `bad-${index}.yaml`;
      const { code, out, err } = await check(name, text);
      expect([code, out]).toEqual([1, '']);
      const [first = '', ...rest] = err.split('\n');
      expect(first.startsWith(`${name}:${place}: `), first).toBe(true);
      expect(first).toContain(message);
      expect(rest).toEqual([
        '',
        'MOLT_BAD_CONFIG: The configuration is wrong.',
        expect.stringContaining('config:check'),
        '',
      ]);
    },
  );

  test('every mistake at once, from top to bottom, and no word of a secret', async () => {
    const text = 'gatway: {}\nlog: {level: loud}\nstore: {url: "${env:LINK}"}\n';
    const { code, err } = await check('many.yaml', text, { LINK: 'hunter2-is-no-url' });
    expect(code).toBe(1);
    expect(err.match(/^many\.yaml:\d+:\d+ [\w.]+/gm)).toEqual([
      'many.yaml:1:1 gatway',
      'many.yaml:2:14 log.level',
      'many.yaml:3:14 store.url',
    ]);
    expect(err).not.toContain('hunter2');
  });

  test('a file that is not there, a variable that is wrong', async () => {
    const absent = await moltbot(['config', 'check', '--file', 'absent.yaml']);
    expect([absent.code, absent.err.split('\n')[0]]).toEqual([1, 'absent.yaml: cannot be read (ENOENT)']);
    const variable = await check('empty.yaml', '', { MOLTBOT_GATEWAY_PORT: 'many' });
    expect(variable.code).toBe(1);
    expect(variable.err.split('\n')[0]).toMatch(/MOLTBOT_GATEWAY_PORT.*must be a whole number from 0 to 65535/);
  });
});

describe.concurrent('a good configuration is shown as it is in force, without its secrets, and ends with 0:', () => {
  test('links, keys and passwords, written and referred to', async () => {
    const text = [
      'bus: {url: "amqp://bot:hunter2@rabbit:5672/v"}',
      'store: {url: "redis://:${env:REDIS}@redis:6379/0"}',
      'gateway: {maxWait: 90s, bodyLimit: 2097152B}',
      'ssh: {identities: {default: {privateKey: "hunter4"}, other: {password: "${env:PASS}"}}}',
      'platforms: {lark: {main: {appId: cli_0123456789abcdef, appSecret: hunter6}}, discord: {main: {token: hunter7}}}',
      'targets: [{name: a, host: h, user: u, labels: {env: prod}}]',
    ].join('\n');
    const { code, out, err } = await check('good.yaml', text, { REDIS: 'hunter3', PASS: 'hunter5' });
    expect(code, err).toBe(0);
    expect(out).toContain('url: amqp://[redacted]@rabbit:5672\n');
    expect(out).toContain('url: redis://[redacted]@redis:6379\n');
    expect(out).toContain('maxWait: 1m30s\n');
    expect(out).toContain('bodyLimit: 2MiB\n');
    expect(out.match(/(privateKey|password|appSecret|token): "?\[redacted\]"?/g)).toHaveLength(4);
    expect(out + err).not.toContain('hunter');
    expect(err).toMatch(
      /^warning: good\.yaml:5:\d+ platforms\.discord\.main: it has neither guilds nor directMessages/,
    );
  });

  test('the example, and nothing at all', async () => {
    const example = readFileSync(join(import.meta.dirname, '../config.example.yaml'), 'utf8');
    const [given, nothing] = await Promise.all([check('example.yaml', example), moltbot(['config', 'check'])]);
    expect([given.code, given.err, nothing.code, nothing.err]).toEqual([0, '', 0, '']);
    expect(given.out.split('\n').sort()).toEqual(nothing.out.split('\n').sort());
  });
});

test('moltbot without a command, or with --help, says what there is; a wrong command ends with 2', async () => {
  for (const args of [[], ['--help'], ['config', 'check', '-h']]) {
    const { code, out } = await moltbot(args);
    expect(code).toBe(0);
    for (const name of ['moltbot config check', 'moltbot config schema', 'moltbot key new', 'npm run moltbot'])
      expect(out).toContain(name);
  }
  const { code, err } = await moltbot(['config', 'chek']);
  expect(code).toBe(2);
  expect(err).toContain('did you mean "config check"?');
});
