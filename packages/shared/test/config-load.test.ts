// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references are written like this
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { type Config, configKeys, formatConfig, type LoadConfigOptions, loadConfig, Secret } from '../src/index.ts';

const nothingThere = async (): Promise<string> => {
  throw Object.assign(new Error('no file'), { code: 'ENOENT' });
};

const load = async (options: Partial<LoadConfigOptions> = {}): Promise<Config> =>
  (await loadConfig({ environment: {}, cwd: '/srv', readFile: nothingThere, ...options })).config;

const warningsOf = async (options: Partial<LoadConfigOptions>): Promise<readonly string[]> =>
  (await loadConfig({ environment: {}, cwd: '/srv', readFile: nothingThere, ...options })).warnings;

describe('without a file', () => {
  test('the defaults are in force', async () => {
    expect(await loadConfig({ environment: {}, cwd: '/srv', readFile: nothingThere })).toEqual({
      warnings: [],
      config: {
        bot: { name: 'moltbot' },
        gateway: { host: '127.0.0.1', port: 8420, bodyLimitBytes: 1_048_576, maxWaitMs: 300_000 },
        bus: { kind: 'embedded' },
        store: { kind: 'embedded' },
        dataDir: '/srv/.moltbot',
        executor: {
          pool: 'default',
          slots: 32,
          ops: { host: '127.0.0.1', port: 0 },
          outputCapBytes: 16_777_216,
          timeouts: { connectMs: 15_000, idleMs: 0, totalMs: 3_600_000, queueMs: 86_400_000 },
          watchAfterMs: 600_000,
        },
        guard: { directory: '~/.moltbot', retentionMs: 259_200_000 },
        callbacks: { allow: [], timeoutMs: 10_000, giveUpAfterMs: 86_400_000 },
        ssh: {
          knownHosts: '/srv/.moltbot/known_hosts',
          hostKeys: 'strict',
          channelsPerConnection: 8,
          startsPerHost: 4,
          keepaliveMs: 10_000,
          idleCloseMs: 60_000,
          identities: {},
        },
        limits: { requests: { perSecond: 100, burst: 200 }, targetsPerTask: 1000 },
        retention: { tasksMs: 604_800_000, outputMs: 86_400_000, occurrencesMs: 604_800_000 },
        shutdown: { graceMs: 25_000, forceMs: 5_000 },
        log: { level: 'info' },
        plugins: ['@moltbot/plugin-shell', '@moltbot/plugin-system'],
        tenants: { default: { apiKeys: [] } },
        targets: [{ name: 'local', labels: {}, transport: 'local', tenant: 'default', pool: 'default' }],
        scheduler: { ops: { host: '127.0.0.1', port: 0 }, leaseMs: 4_000, onTimeMs: 15_000 },
        calendars: {},
        schedules: [],
        notifications: {
          channels: {},
          routes: [],
          group: { waitMs: 10_000, by: ['schedule'] },
          repeatAfterMs: 14_400_000,
          giveUpAfterMs: 86_400_000,
          quietHours: [],
        },
        platforms: {
          ...{ staleAfterMs: 120_000, discord: {}, lark: {}, aliases: [] },
          ops: { host: '127.0.0.1', port: 0 },
        },
      },
    });
  });

  test('everything is frozen, and no tenant is found under a name of Object', async () => {
    const config = await load({ text: 'ssh: {identities: {a: {password: p}}}' });
    const loose = (value: unknown, path = 'config'): readonly string[] => {
      if (typeof value !== 'object' || value === null || value instanceof Secret) return [];
      const below = Object.entries(value).flatMap(([key, item]) => loose(item, `${path}.${key}`));
      return Object.isFrozen(value) ? below : [path, ...below];
    };
    expect(loose(config)).toEqual([]);
    expect(config.tenants['constructor']).toBeUndefined();
    expect(config.ssh.identities['toString']).toBeUndefined();
  });
});

describe('schedules', () => {
  test('have defaults, and calendars a path from their file', async () => {
    const text = `calendars: {off: {ics: off.ics}}
schedules: [{id: a, when: '@daily', calendars: {exclude: [off]}, task: {action: shell.run, on: local}}]`;
    const { calendars, schedules } = await load({ text });
    expect({ ...calendars }).toEqual({ off: { days: [], ics: '/srv/off.ics' } });
    expect(schedules).toEqual([
      {
        id: 'a',
        tenant: 'default',
        spec: {
          when: '@daily',
          timezone: 'UTC',
          dst: 'run-once',
          misfire: 'run-once',
          misfireWindow: '1h',
          overlap: 'skip',
          enabled: true,
          calendars: { include: [], exclude: ['off'] },
          alerts: [],
          task: { action: 'shell.run', on: 'local', args: {}, priority: 'batch' },
        },
      },
    ]);
  });
});

describe('the file', () => {
  test('is the one named, else the one of MOLTBOT_CONFIG, else config.yaml if there is one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'moltbot-config-'));
    for (const name of ['a', 'b', 'config']) await writeFile(join(folder, `${name}.yaml`), `bot: {name: ${name}}`);
    const nameFrom = async (file: string | undefined, variable: string): Promise<string> =>
      (await loadConfig({ file, environment: { MOLTBOT_CONFIG: variable }, cwd: folder })).config.bot.name;
    expect(await nameFrom('a.yaml', 'b.yaml')).toBe('a');
    expect(await nameFrom(undefined, 'b.yaml')).toBe('b');
    expect(await nameFrom(undefined, '')).toBe('config');
  });

  test('may be empty, or comments alone', async () => {
    expect(await load({ text: '' })).toEqual(await load());
    expect(await load({ text: '# nothing\n' })).toEqual(await load());
  });

  test('paths in it are relative to it, those of variables and defaults to the working directory', async () => {
    const text = 'plugins: ["./a.ts", /b.ts, "~/c.ts", pkg]\nssh: {knownHosts: kh, identities: {x: {agent: s}}}';
    const options = { text, file: 'etc/molt.yaml', environment: { HOME: '/home/me' } };
    const config = await load(options);
    expect(config.plugins).toEqual(['/srv/etc/a.ts', '/b.ts', '/home/me/c.ts', 'pkg']);
    expect(config.ssh.knownHosts).toBe('/srv/etc/kh');
    expect(config.ssh.identities['x']?.agent).toBe('/srv/etc/s');
    expect(config.dataDir).toBe('/srv/.moltbot');
    const overridden = await load({ ...options, environment: { MOLTBOT_PLUGINS: '[./a.ts]', MOLTBOT_DATA_DIR: 'd' } });
    expect(overridden.plugins).toEqual(['/srv/a.ts']);
    expect(overridden.dataDir).toBe('/srv/d');
  });

  test('a url alone says the kind', async () => {
    const { bus, store } = await load({ text: 'bus: {url: amqps://u:p@h/v}\nstore: {url: redis://h}' });
    expect(bus.kind === 'amqp' && bus.url.reveal()).toBe('amqps://u:p@h/v');
    expect(store.kind === 'redis' && store.url.reveal()).toBe('redis://h');
  });

  test('anchors, aliases and merge keys work', async () => {
    const text = [
      'ssh: {identities: {default: {agent: /a}}}',
      'targets:',
      '  - &web {name: a, host: h1, user: u, labels: {env: prod}}',
      '  - {<<: *web, name: b, host: h2}',
    ].join('\n');
    const { targets } = await load({ text });
    const common = { transport: 'ssh', tenant: 'default', pool: 'default', user: 'u', port: 22, identity: 'default' };
    expect(targets).toEqual([
      { ...common, name: 'a', host: 'h1', labels: { env: 'prod' } },
      { ...common, name: 'b', host: 'h2', labels: { env: 'prod' } },
    ]);
  });

  test('the guard of a target and the hosts of callbacks are as they are written', async () => {
    const text = [
      'callbacks: {allow: [hooks.internal, 10.0.0.0/8, "fd00::/8", 127.0.0.1]}',
      'guard: {directory: /var/lib/moltbot, retention: 25h}',
      'targets: [{name: a, transport: local, guard: "off"}]',
    ].join('\n');
    const { callbacks, guard, targets } = await load({ text });
    expect(callbacks.allow).toEqual(['hooks.internal', '10.0.0.0/8', 'fd00::/8', '127.0.0.1']);
    expect(guard).toEqual({ directory: '/var/lib/moltbot', retentionMs: 90_000_000 });
    expect(targets).toEqual([
      { name: 'a', labels: {}, transport: 'local', tenant: 'default', pool: 'default', guard: 'off' },
    ]);
  });

  test('without a limit on the time to start, how long targets remember is free', async () => {
    const config = await load({ text: 'executor: {timeouts: {queue: 0s}}\nguard: {retention: 1h}' });
    expect([config.executor.timeouts.queueMs, config.guard.retentionMs]).toEqual([0, 3_600_000]);
  });

  test('a tag that YAML does not know gives a warning', async () => {
    expect(await warningsOf({ text: 'bot: {name: !shout x}' })).toEqual(['config.yaml:1:13 Unresolved tag: !shout']);
  });

  test('a tenant that somebody names is not given the host of the executor', async () => {
    expect((await load({ text: 'tenants: {acme: {}}' })).targets).toEqual([]);
    expect(await warningsOf({ text: 'tenants: {acme: {}}' })).toEqual(['there are no targets: no command can run']);
  });
});

describe('the environment', () => {
  test('overrides the file: text as it stands, the rest as YAML, a part of a map after the map', async () => {
    const config = await load({
      text: 'gateway: {port: 1, maxWait: 1s}\nbot: {name: file}\nlimits: {targetsPerTask: 3}',
      environment: {
        MOLTBOT_BOT_NAME: '5: [',
        MOLTBOT_GATEWAY_PORT: '8000',
        MOLTBOT_GATEWAY: '{host: 0.0.0.0, port: 7000}',
        MOLTBOT_LIMITS_TARGETS_PER_TASK: '',
        MOLTBOT_TENANTS: '{acme: {}}',
        MOLTBOT_TARGETS: '[{name: a, transport: local, tenant: acme}]',
        MOLTBOT_BUS_URL: 'amqp://$${x}:${env:PASSWORD}@h',
        PASSWORD: 'p',
      },
    });
    expect(config.bot.name).toBe('5: [');
    expect(config.gateway).toEqual({ host: '0.0.0.0', port: 8000, bodyLimitBytes: 1_048_576, maxWaitMs: 300_000 });
    expect(config.limits.targetsPerTask).toBe(3);
    expect(config.targets).toEqual([{ name: 'a', labels: {}, transport: 'local', tenant: 'acme', pool: 'default' }]);
    expect(config.bus.kind === 'amqp' && config.bus.url.reveal()).toBe('amqp://${x}:p@h');
  });

  test('every key but those below names and lists has a variable of its own', () => {
    const variables = configKeys().flatMap(({ variable }) => variable?.name ?? []);
    expect(new Set(variables).size).toBe(variables.length);
    expect(variables).toContain('MOLTBOT_EXECUTOR_TIMEOUTS_CONNECT');
    expect(variables).toContain('MOLTBOT_SSH_CHANNELS_PER_CONNECTION');
    expect(variables).toContain('MOLTBOT_PLATFORMS_STALE_AFTER');
    const without = configKeys().filter(({ variable }) => !variable);
    expect(without.every(({ name }) => /<id>|\[\]/.test(name))).toBe(true);
  });

  test('a variable that is no key gives a warning, and so does what Kubernetes sets for a Service', async () => {
    const environment = {
      MOLTBOT_GATEWAY_PROT: '1',
      MOLTBOT_GATEWAY_PORT: 'tcp://10.0.0.1:8420',
      MOLTBOT_REDIS_SERVICE_PORT_HTTP_ALT: '6379',
      MOLTBOT_CONFIG: '',
      MOLTBOT_URL: 'http://moltbot:8420',
      MOLTBOT_API_KEY: 'mb_a_b_c',
    };
    expect((await load({ environment })).gateway.port).toBe(8420);
    expect(await warningsOf({ environment })).toEqual([
      'MOLTBOT_GATEWAY_PROT is ignored: it overrides nothing; did you mean MOLTBOT_GATEWAY_PORT?',
      expect.stringMatching(/^MOLTBOT_GATEWAY_PORT is ignored: it looks like a service link of Kubernetes/),
      expect.stringMatching(/^MOLTBOT_REDIS_SERVICE_PORT_HTTP_ALT is ignored: it overrides nothing/),
    ]);
  });
});

describe('references', () => {
  const files: Readonly<Record<string, string>> = {
    '/run/key': 'line 1\nline 2\n\n',
    '/srv/etc/rel': 'r\r\n',
    '/n': '8\n',
  };
  const readFile = async (path: string): Promise<string> => files[path] ?? nothingThere();

  test('stand for variables and files, whole or in part, and lose one newline', async () => {
    const text = [
      'bot: {name: "a ${env:A} ${file:rel} $${env:A} $5"}',
      'ssh: {identities: {x: {privateKey: "${file:/run/key}"}}}',
      'executor: {slots: "${file:/n}", ops: {port: "${env:P}"}}',
    ].join('\n');
    const config = await load({ text, file: 'etc/c.yaml', readFile, environment: { A: '${env:P}', P: '90' } });
    expect(config.bot.name).toBe('a ${env:P} r ${env:A} $5');
    expect(config.ssh.identities['x']?.privateKey?.reveal()).toBe('line 1\nline 2\n');
    expect(config.executor.slots).toBe(8);
    expect(config.executor.ops.port).toBe(90);
  });

  test('stay text where text is wanted', async () => {
    expect((await load({ text: 'bot: {name: "${env:A}"}', environment: { A: '0123' } })).bot.name).toBe('0123');
  });
});

describe('the effective configuration in words', () => {
  const text = [
    'bus: {url: "amqp://user:hunter22@rabbit:5672/v"}',
    'store: {url: "rediss://redis/0"}',
    'ssh: {identities: {default: {password: hunter22, privateKey: hunter22, passphrase: hunter22}}}',
    'platforms: {lark: {main: {appId: cli_0123456789abcdef, appSecret: hunter22}}, discord: {main: {token: hunter22}}}',
    'gateway: {maxWait: 90s, bodyLimit: 1536KiB}',
    'targets: [{name: a, host: h, user: u, hostKey: "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]',
  ].join('\n');

  test('holds no secret, and of a link where it leads', async () => {
    const config = await load({ text });
    for (const shown of [formatConfig(config), JSON.stringify(config), inspect(config, { depth: 20 })]) {
      expect(shown).not.toContain('hunter22');
    }
    expect(formatConfig(config)).toContain('url: amqp://[redacted]@rabbit:5672\n');
    expect(formatConfig(config)).toContain('url: rediss://redis\n');
    expect(formatConfig(config)).toContain('  maxWait: 1m30s\n');
  });

  test('can be loaded again and means the same', async () => {
    const withIdentity = text.split('\n').slice(4).join('\n').replace('h,', 'h, identity: x,');
    const config = await load({ text: `${withIdentity}\nssh: {identities: {x: {agent: /a}}}` });
    expect(await load({ text: formatConfig(config) })).toEqual(config);
  });

  test('of a bot that is in no guild says so', async () => {
    expect(await warningsOf({ text })).toEqual([
      'config.yaml:4:89 platforms.discord.main: it has neither guilds nor directMessages: it answers nobody',
    ]);
  });
});
