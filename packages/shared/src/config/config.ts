import type { LogLevel } from '../logger.ts';
import type { DeclaredSchedule, Severity } from '../schedule.ts';
import type { Secret } from '../secret.ts';
import type { Target } from '../target.ts';

/** The effective configuration: durations in ms, sizes in bytes, references resolved, defaults filled in, frozen. */
export interface Config {
  readonly bot: { readonly name: string };
  readonly gateway: GatewayConfig;
  readonly bus: { readonly kind: 'embedded' } | { readonly kind: 'amqp'; readonly url: Secret };
  readonly store: { readonly kind: 'embedded' } | { readonly kind: 'redis'; readonly url: Secret };
  /** Absolute path. */
  readonly dataDir: string;
  readonly executor: ExecutorConfig;
  readonly guard: GuardConfig;
  readonly callbacks: CallbacksConfig;
  readonly ssh: SshConfig;
  readonly limits: LimitsConfig;
  readonly retention: { readonly tasksMs: number; readonly outputMs: number; readonly occurrencesMs: number };
  /** Two-stage shutdown: finish for `graceMs`, then hand over for `forceMs`. */
  readonly shutdown: { readonly graceMs: number; readonly forceMs: number };
  readonly log: { readonly level: LogLevel };
  /** Package names, or absolute paths of modules. */
  readonly plugins: readonly string[];
  readonly tenants: Readonly<Record<string, TenantConfig>>;
  readonly targets: readonly InventoryTarget[];
  readonly scheduler: SchedulerConfig;
  readonly calendars: Readonly<Record<string, CalendarConfig>>;
  readonly schedules: readonly DeclaredSchedule[];
  readonly notifications: NotificationsConfig;
  readonly platforms: PlatformsConfig;
}

export interface GatewayConfig {
  readonly host: string;
  readonly port: number;
  readonly bodyLimitBytes: number;
  /** The longest `?wait=` that is honoured. */
  readonly maxWaitMs: number;
}

export interface ExecutorConfig {
  readonly pool: string;
  /** Runs at the same time. */
  readonly slots: number;
  /** Where /healthz, /readyz and /metrics of the executor listen; port 0 picks a free one. */
  readonly ops: { readonly host: string; readonly port: number };
  readonly outputCapBytes: number;
  readonly timeouts: {
    readonly connectMs: number;
    readonly idleMs: number;
    readonly totalMs: number;
    readonly queueMs: number;
  };
  /** A run that lasts longer gives its delivery back and is represented by a watch message. */
  readonly watchAfterMs: number;
}

/** The record that targets keep of guarded commands. */
export interface GuardConfig {
  /** Directory on the target; `~/` is the home of the user there. */
  readonly directory: string;
  /** How long the target remembers that a command has run, ms. */
  readonly retentionMs: number;
}

export interface CallbacksConfig {
  /** Host names, addresses and CIDR blocks that may be called though they are not public. */
  readonly allow: readonly string[];
  readonly timeoutMs: number;
  /** How long delivery is tried, ms. */
  readonly giveUpAfterMs: number;
}

export interface SshConfig {
  /** Absolute path of a known_hosts file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). */
  readonly knownHosts: string;
  /** `accept-new` learns the key of a host never seen; a changed key is refused by both. */
  readonly hostKeys: 'strict' | 'accept-new';
  /** Channels on one connection; keep two below the server's MaxSessions for cancels. */
  readonly channelsPerConnection: number;
  /** Handshakes to one host at the same time, below the server's MaxStartups. */
  readonly startsPerHost: number;
  readonly keepaliveMs: number;
  readonly idleCloseMs: number;
  readonly identities: Readonly<Record<string, SshIdentity>>;
}

/** At least one of the three ways in. */
export interface SshIdentity {
  readonly privateKey?: Secret | undefined;
  readonly passphrase?: Secret | undefined;
  readonly password?: Secret | undefined;
  /** Path of an agent's socket. */
  readonly agent?: string | undefined;
}

export interface LimitsConfig {
  /** Per API key, GCRA. */
  readonly requests: { readonly perSecond: number; readonly burst: number };
  readonly targetsPerTask: number;
}

export interface TenantConfig {
  readonly apiKeys: readonly ApiKeyConfig[];
}

export interface ApiKeyConfig {
  readonly id: string;
  /** `sha256:` and 64 hex digits, as `moltbot key new` prints it. */
  readonly hash: string;
}

export type InventoryTarget = Target & { readonly tenant: string };

/** The bots of chat platforms. */
export interface PlatformsConfig {
  /** How long after it was sent a command is still run without a question, ms. */
  readonly staleAfterMs: number;
  /** By name, as they are called in logs and stores. */
  readonly discord: Readonly<Record<string, DiscordConfig>>;
  readonly lark: Readonly<Record<string, LarkConfig>>;
  /** Words that stand for actions, of each tenant. */
  readonly aliases: readonly AliasConfig[];
  /** Where /healthz, /readyz and /metrics of an ingress by itself listen; port 0 picks a free one. */
  readonly ops: { readonly host: string; readonly port: number };
}

export interface DiscordConfig {
  readonly token: Secret;
  /** Each guild belongs to one tenant; others are not answered. */
  readonly guilds: Readonly<Record<string, ChatSpaceConfig>>;
  /** The privileged intent is granted: messages that begin with the prefix are read too. */
  readonly messageContent: boolean;
  readonly prefix: string;
  /** Of direct messages; without it they are not answered. */
  readonly directMessages?: string | undefined;
  /** Base URL of the REST API, without the version. */
  readonly api: string;
}

/** A guild, or what a platform has in its place. */
export interface ChatSpaceConfig {
  readonly tenant: string;
  /** Ids of the channels to listen in; empty: all that the bot can see. */
  readonly channels: readonly string[];
  /** Ids of roles whose members may give commands without having linked themselves. */
  readonly roles: readonly string[];
}

export interface LarkConfig {
  readonly tenant: string;
  readonly appId: string;
  readonly appSecret: Secret;
  /** `long-connection`: events come over a WebSocket that we open; `webhook`: the platform posts them. */
  readonly mode: 'long-connection' | 'webhook';
  /** Of webhooks: signs and encrypts. */
  readonly encryptKey?: Secret | undefined;
  readonly verificationToken?: Secret | undefined;
  /** Where the platform posts to. */
  readonly webhook: { readonly host: string; readonly port: number; readonly path: string };
  readonly prefix: string;
  /** Ids of the chats to listen in; empty: all the bot is in. */
  readonly chats: readonly string[];
  /** Ids of groups (departments, chats) whose members may give commands without having linked themselves. */
  readonly groups: readonly string[];
  /** Base URL of the open platform. */
  readonly api: string;
}

export interface AliasConfig {
  readonly tenant: string;
  /** The word: `sync`. */
  readonly name: string;
  readonly action: string;
  /** Target selector; absent: the command has to say. */
  readonly on?: string | undefined;
  /** `{1}`, `{2}` … and `{*}` stand for what is written after the word. */
  readonly args: Readonly<Record<string, unknown>>;
  /** What is written after the word: `SRC DST`. */
  readonly usage: string;
  readonly summary: string;
}

export interface SchedulerConfig {
  /** Where /healthz, /readyz and /metrics of a scheduler by itself listen; port 0 picks a free one. */
  readonly ops: { readonly host: string; readonly port: number };
  /** Whoever leads is replaced when it was not heard of for so long. */
  readonly leaseMs: number;
  /** What fires so much after its instant is on time; what is later is a misfire. */
  readonly onTimeMs: number;
}

/** Days, by both ways together. */
export interface CalendarConfig {
  /** `2026-12-25`, each year's `12-25`, each week's `sat`. */
  readonly days: readonly string[];
  /** Absolute path of an iCalendar file. */
  readonly ics?: string | undefined;
}

export interface NotificationsConfig {
  /** By name. `log` is there without being written. */
  readonly channels: Readonly<Record<string, ChannelConfig>>;
  /** Each tenant's in order; what none of them takes goes to `log`. */
  readonly routes: readonly NotificationRoute[];
  readonly group: {
    /** So long the first of a group waits for others. */
    readonly waitMs: number;
    /** Names of labels: notifications with the same values are a group. */
    readonly by: readonly string[];
  };
  /** The same matter is told again by the same channel after this alone; 0: every time. */
  readonly repeatAfterMs: number;
  /** How long delivery is tried. */
  readonly giveUpAfterMs: number;
  readonly quietHours: readonly QuietHours[];
}

/** `kind` says which; one that is not built in has `options`, which its plugin checks. */
export type ChannelConfig = LogChannelConfig | WebhookChannelConfig | EmailChannelConfig | PluginChannelConfig;

interface LogChannelConfig {
  readonly kind: 'log';
  readonly tenant: string;
}

export interface WebhookChannelConfig {
  readonly kind: 'webhook';
  readonly tenant: string;
  /** It may hold a token. */
  readonly url: Secret;
  /** `whsec_` and base64: signs the posts. */
  readonly secret: Secret;
  /** Host names, addresses and CIDR blocks that may be called though they are not public. */
  readonly allow: readonly string[];
}

export interface EmailChannelConfig {
  readonly kind: 'email';
  readonly tenant: string;
  readonly host: string;
  readonly port: number;
  /** `starttls` and `tls` never go on without encryption. */
  readonly security: 'starttls' | 'tls' | 'none';
  readonly user?: string | undefined;
  readonly password?: Secret | undefined;
  /** Certificates in PEM that are trusted beside the usual ones. */
  readonly ca?: string | undefined;
  readonly from: string;
  readonly to: readonly string[];
}

export interface PluginChannelConfig {
  readonly kind: string;
  readonly tenant: string;
  /** JSON of what was written; it may hold secrets. */
  readonly options: Secret;
}

export interface NotificationRoute {
  readonly tenant: string;
  /** All that is there must hold; nothing there takes everything. */
  readonly match: {
    /** One of these. */
    readonly severity?: readonly Severity[] | undefined;
    /** This, or graver. */
    readonly min?: Severity | undefined;
    /** Globs by name of the label. */
    readonly labels: Readonly<Record<string, string>>;
  };
  /** Names of channels; none: nobody is told. */
  readonly to: readonly string[];
  /** Look at the routes below as well. */
  readonly continue: boolean;
}

/** A time of day, on some days, when what is below a severity is held. */
export interface QuietHours {
  readonly tenant: string;
  /** On which they begin. */
  readonly days: readonly Weekday[];
  /** `22:00`; with `to` at or before it they end on the next day: the same is a whole day. */
  readonly from: string;
  readonly to: string;
  readonly timezone: string;
  readonly below: Severity;
  /** Names of channels; absent: all of the tenant. */
  readonly channels?: readonly string[] | undefined;
}

export type Weekday = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun';
