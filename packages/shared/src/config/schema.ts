import { z } from 'zod';
import { apiKeyHashPattern, apiKeyIdPattern } from '../api-key.ts';
import type { LogLevel } from '../logger.ts';
import { TenantId } from '../principal.ts';
import { DeclaredSchedule } from '../schedule.ts';
import type { Secret } from '../secret.ts';
import { Name } from '../target.ts';
import type {
  CalendarConfig,
  CallbacksConfig,
  Config,
  ExecutorConfig,
  GatewayConfig,
  GuardConfig,
  LimitsConfig,
  SchedulerConfig,
  SshConfig,
  SshIdentity,
  TenantConfig,
} from './config.ts';
import { defaults } from './defaults.ts';
import { callableHosts, type NotificationsDraft, notifications } from './notifications-schema.ts';
import { platforms } from './platforms-schema.ts';
import { type TargetDraft, target } from './target-schema.ts';
import { duration, host, must, oneOf, path, type Section, secret, size, text, whole } from './words.ts';

/** A link as it is written: the kind can be left to the scheme of the url, the url is needed for all but `embedded`. */
interface LinkDraft<K extends string> {
  readonly kind?: K | undefined;
  readonly url?: Secret | undefined;
}

/** A configuration whose every value is valid by itself; paths are as they were written. `compileConfig` makes it a `Config`. */
export interface ConfigDraft extends Omit<Config, 'bus' | 'store' | 'ssh' | 'targets' | 'notifications'> {
  readonly bus: LinkDraft<'embedded' | 'amqp'>;
  readonly store: LinkDraft<'embedded' | 'redis'>;
  readonly ssh: Omit<SshConfig, 'knownHosts'> & { readonly knownHosts?: string | undefined };
  readonly targets?: readonly TargetDraft[] | undefined;
  readonly notifications: NotificationsDraft;
}

const bot: Section<Config['bot']> = z
  .strictObject({
    name: text(/^\S(?:.{0,62}\S)?$/, 'a name of 1 to 64 characters')
      .describe('How the bot calls itself.')
      .default(defaults.bot.name),
  })
  .prefault({});

const gateway: Section<GatewayConfig> = z
  .strictObject({
    host: host.describe('Address the HTTP gateway listens on.').default(defaults.gateway.host),
    port: whole(0, 65_535).describe('Its port; 0 picks a free one.').default(defaults.gateway.port),
    bodyLimit: size('1KiB', '100MiB').describe('Largest request body.').prefault(defaults.gateway.bodyLimit),
    maxWait: duration({ min: '0s' }).describe('Longest `?wait=` that is honoured.').prefault(defaults.gateway.maxWait),
  })
  .transform(({ bodyLimit, maxWait, ...rest }) => ({ ...rest, bodyLimitBytes: bodyLimit, maxWaitMs: maxWait }))
  .prefault({});

const bus: Section<ConfigDraft['bus']> = z
  .strictObject({
    kind: oneOf(['embedded', 'amqp']).describe('Default: what the url says, else `embedded`.').optional(),
    url: secret.describe('`amqp://` or `amqps://user:password@host:5672/vhost`.').optional(),
  })
  .prefault({});

const store: Section<ConfigDraft['store']> = z
  .strictObject({
    kind: oneOf(['embedded', 'redis']).describe('Default: what the url says, else `embedded`.').optional(),
    url: secret.describe('`redis://` or `rediss://user:password@host:6379/0`.').optional(),
  })
  .prefault({});

const timeouts = z
  .strictObject({
    connect: duration().describe('Time until the command may be sent.').prefault(defaults.executor.timeouts.connect),
    idle: duration({ min: '0s' })
      .describe('Longest silence of a command; `0s` is no limit.')
      .prefault(defaults.executor.timeouts.idle),
    total: duration()
      .describe('Longest time of a run, from its start to its end.')
      .prefault(defaults.executor.timeouts.total),
    queue: duration({ min: '0s', max: '7d' })
      .describe(
        'Longest time from acceptance to the start, shorter than guard.retention; `0s` is no limit but that one.',
      )
      .prefault(defaults.executor.timeouts.queue),
  })
  .transform(({ connect, idle, total, queue }) => ({
    connectMs: connect,
    idleMs: idle,
    totalMs: total,
    queueMs: queue,
  }))
  .prefault({});

const executor: Section<ExecutorConfig> = z
  .strictObject({
    pool: Name.describe('The pool this executor works for.').default(defaults.executor.pool),
    slots: whole(1, 1_000).describe('Runs at the same time.').default(defaults.executor.slots),
    ops: z
      .strictObject({
        host: host
          .describe(
            'Address of `/healthz`, `/readyz` and `/metrics` of an executor by itself; no effect in standalone.',
          )
          .default(defaults.executor.ops.host),
        port: whole(0, 65_535)
          .describe('Its port; 0 picks a free one. No effect in standalone.')
          .default(defaults.executor.ops.port),
      })
      .prefault({}),
    outputCap: size('1KiB', '1GiB')
      .describe('Output kept of one run, stdout and stderr together; the rest is dropped and said.')
      .prefault(defaults.executor.outputCap),
    watchAfter: duration({ min: '1s', max: '25m' })
      .describe('A longer run is represented by a watch message, so that no broker time-out matters.')
      .prefault(defaults.executor.watchAfter),
    timeouts: timeouts.describe('What a task gets that does not ask for its own.'),
  })
  .transform(({ outputCap, watchAfter, ...rest }) => ({
    ...rest,
    outputCapBytes: outputCap,
    watchAfterMs: watchAfter,
  }))
  .prefault({});

const guard: Section<GuardConfig> = z
  .strictObject({
    directory: text(
      /^(?:~\/|\/)[A-Za-z0-9._/-]{1,200}$/,
      'a path of letters, digits and . _ - that begins with / or ~/',
    )
      .describe('Directory on the target; `~/` is the home of the user there.')
      .default(defaults.guard.directory),
    retention: duration({ min: '1h', max: '365d' })
      .describe('How long a target remembers that a command has run; longer than executor.timeouts.queue.')
      .prefault(defaults.guard.retention),
  })
  .transform(({ retention: kept, ...rest }) => ({ ...rest, retentionMs: kept }))
  .prefault({});

const callbacks: Section<CallbacksConfig> = z
  .strictObject({
    allow: callableHosts
      .describe('Hosts, addresses and CIDR blocks that may be called though they are not public.')
      .default([]),
    timeout: duration({ max: '2m' }).describe('Longest time of one post.').prefault(defaults.callbacks.timeout),
    giveUpAfter: duration({ max: '7d' })
      .describe('How long delivery is tried; then it is a dead letter.')
      .prefault(defaults.callbacks.giveUpAfter),
  })
  .transform(({ timeout, giveUpAfter, allow }) => ({ allow, timeoutMs: timeout, giveUpAfterMs: giveUpAfter }))
  .prefault({});

const identity: Section<SshIdentity> = z
  .strictObject({
    privateKey: secret.describe('Private key, PEM or OpenSSH; write a reference to its file.').optional(),
    passphrase: secret.describe('Passphrase of the private key.').optional(),
    password: secret.describe('Password of the user.').optional(),
    agent: path.describe("Path of an SSH agent's socket.").optional(),
  })
  .refine(({ privateKey, password, agent }) => Boolean(privateKey ?? password ?? agent), {
    error: 'needs privateKey, password or agent',
    abort: true,
  })
  .refine(({ privateKey, passphrase }) => !passphrase || privateKey, 'has a passphrase and no privateKey');

const ssh: Section<ConfigDraft['ssh']> = z
  .strictObject({
    knownHosts: path.describe('A known_hosts file. Default: `known_hosts` in the dataDir.').optional(),
    hostKeys: oneOf(['strict', 'accept-new'])
      .describe('`accept-new` learns the key of a host never seen; both refuse a changed key.')
      .default(defaults.ssh.hostKeys),
    channelsPerConnection: whole(1, 100)
      .describe("Commands on one connection; two below the server's MaxSessions (10) leaves room for cancels.")
      .default(defaults.ssh.channelsPerConnection),
    startsPerHost: whole(1, 100)
      .describe("Handshakes with one host at the same time; below the server's MaxStartups (10).")
      .default(defaults.ssh.startsPerHost),
    keepalive: duration({ min: '1s' }).describe('Time between keepalives.').prefault(defaults.ssh.keepalive),
    idleClose: duration({ min: '1s' })
      .describe('An unused connection is closed after this.')
      .prefault(defaults.ssh.idleClose),
    identities: z
      .record(Name, identity)
      .describe('Ways in by name. A target without `identity` uses the one named `default`.')
      .prefault({}),
  })
  .transform(({ keepalive, idleClose, ...rest }) => ({ ...rest, keepaliveMs: keepalive, idleCloseMs: idleClose }))
  .prefault({});

const rate = must('a number above 0, up to 1000000');

const limits: Section<LimitsConfig> = z
  .strictObject({
    requests: z
      .strictObject({
        perSecond: z
          .number(rate)
          .positive(rate)
          .max(1_000_000, rate)
          .describe('Requests a second of one API key.')
          .default(defaults.limits.requests.perSecond),
        burst: whole(1, 1_000_000)
          .describe(
            'Requests it may make at once. A gateway takes up to 16 ahead: as many more may come a second later, or are lost.',
          )
          .default(defaults.limits.requests.burst),
      })
      .prefault({}),
    targetsPerTask: whole(1, 100_000).describe('Targets one task may have.').default(defaults.limits.targetsPerTask),
  })
  .prefault({});

const longKept = { min: '1m', max: '3650d' };

const retention: Section<Config['retention']> = z
  .strictObject({
    tasks: duration(longKept).describe('An ended task is forgotten after this.').prefault(defaults.retention.tasks),
    output: duration(longKept).describe('Its output is forgotten after this.').prefault(defaults.retention.output),
    occurrences: duration(longKept)
      .describe('What became of an instant of a schedule is forgotten so long after its end.')
      .prefault(defaults.retention.occurrences),
  })
  .transform(({ tasks, output, occurrences }) => ({ tasksMs: tasks, outputMs: output, occurrencesMs: occurrences }))
  .prefault({});

const shutdown: Section<Config['shutdown']> = z
  .strictObject({
    grace: duration({ min: '0s' })
      .describe('On SIGTERM: time to finish the work in hand.')
      .prefault(defaults.shutdown.grace),
    force: duration({ min: '0s' }).describe('Then: time to hand over what is left.').prefault(defaults.shutdown.force),
  })
  .transform(({ grace, force }) => ({ graceMs: grace, forceMs: force }))
  .prefault({});

const log: Section<Config['log']> = z
  .strictObject({
    level: oneOf<LogLevel>(['debug', 'info', 'warn', 'error', 'silent'])
      .describe('`debug`, `info`, `warn`, `error` or `silent`.')
      .default(defaults.log.level),
  })
  .prefault({});

const plugin = text(
  /^(?:(?:@[a-z0-9][a-z0-9._-]*\/)?[a-z0-9][a-z0-9._-]*|(?:\.{0,2}|~)\/.+)$/,
  'a package name, or the path of a module that begins with /, ./, ../ or ~/',
);

const tenant: Section<TenantConfig> = z.strictObject({
  apiKeys: z
    .array(
      z.strictObject({
        id: text(apiKeyIdPattern, 'an id as `moltbot key new` prints it: 10 of a-z and 2-7').describe('Id of the key.'),
        hash: text(apiKeyHashPattern, 'a hash as `moltbot key new` prints it: sha256: and 64 hex digits').describe(
          'Its hash: `sha256:` and 64 hex digits.',
        ),
      }),
      must('a list of keys'),
    )
    .describe('API keys, as `moltbot key new` prints them.')
    .default([]),
});

const scheduler: Section<SchedulerConfig> = z
  .strictObject({
    ops: z
      .strictObject({
        host: host
          .describe(
            'Address of `/healthz`, `/readyz` and `/metrics` of a scheduler by itself; no effect in standalone.',
          )
          .default(defaults.scheduler.ops.host),
        port: whole(0, 65_535)
          .describe('Its port; 0 picks a free one. No effect in standalone.')
          .default(defaults.scheduler.ops.port),
      })
      .prefault({}),
    lease: duration({ min: '2s', max: '1m' })
      .describe('Whoever leads is replaced when it was not heard of for so long.')
      .prefault(defaults.scheduler.lease),
    onTime: duration({ min: '1s', max: '1h' })
      .describe('What fires so much after its instant is on time; what is later is a misfire.')
      .prefault(defaults.scheduler.onTime),
  })
  .transform(({ lease, onTime, ...rest }) => ({ ...rest, leaseMs: lease, onTimeMs: onTime }))
  .prefault({});

const calendar: Section<CalendarConfig> = z
  .strictObject({
    days: z
      .array(
        text(
          /^(?:(?:\d{4}-)?\d{2}-\d{2}|mon|tue|wed|thu|fri|sat|sun)$/,
          'a day: 2026-12-25, 12-25 of each year, or sat',
        ),
        must('a list of days'),
      )
      .describe('Days: `2026-12-25`, `12-25` of each year, `sat` of each week.')
      .default([]),
    ics: path.describe('An iCalendar file (RFC 5545) whose events are days.').optional(),
  })
  .refine(({ days, ics }) => days.length > 0 || ics !== undefined, 'needs days or ics');

/** What may stand in a configuration, section by section. Rules between values are in cross-checks.ts. */
export const configSchema: z.ZodType<ConfigDraft, unknown> = z.strictObject({
  bot: bot.describe('The bot itself.'),
  gateway: gateway.describe('The HTTP gateway.'),
  bus: bus.describe('The way between processes: RabbitMQ, or inside one process.'),
  store: store.describe('Shared state: Redis, or a file in the dataDir.'),
  dataDir: path.describe('Folder of everything this process keeps on disk.').default(defaults.dataDir),
  executor: executor.describe('The process that runs commands.'),
  guard: guard.describe('The record that targets keep of guarded commands.'),
  callbacks: callbacks.describe('Posts of the ends of tasks.'),
  ssh: ssh.describe('Connections to ssh targets.'),
  limits: limits.describe('What one client may ask for.'),
  retention: retention.describe('How long what has ended is kept.'),
  shutdown: shutdown.describe('How a process stops: finish, then hand over.'),
  log: log.describe('Log lines.'),
  plugins: z
    .array(plugin, must('a list of plugins'))
    .describe('Plugins: package names, or paths of modules.')
    .default([...defaults.plugins]),
  tenants: z
    .record(TenantId, tenant, must('a map of tenants'))
    .describe('Namespaces by id, each with its keys. Default: `default` without keys.')
    .prefault({ [defaults.tenant]: {} }),
  targets: z
    .array(target, must('a list of targets'))
    .describe('What commands run on. Default: `local`, if there is a tenant `default`.')
    .optional(),
  scheduler: scheduler.describe('The process that fires schedules and does what nobody else is there to do.'),
  calendars: z.record(Name, calendar, must('a map of calendars')).describe('Days by name, for schedules.').prefault({}),
  schedules: z
    .array(DeclaredSchedule, must('a list of schedules'))
    .describe('What is done at which times; docs/schedules.md.')
    .default([]),
  notifications: notifications.describe('What people are told, and where: docs/notifications.md.'),
  platforms: platforms.describe('The bots of chat platforms.'),
});
