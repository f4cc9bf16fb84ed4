import type { LogLevel } from '../logger.ts';
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
  readonly retention: { readonly tasksMs: number; readonly outputMs: number };
  /** Two-stage shutdown: finish for `graceMs`, then hand over for `forceMs`. */
  readonly shutdown: { readonly graceMs: number; readonly forceMs: number };
  readonly log: { readonly level: LogLevel };
  /** Package names, or absolute paths of modules. */
  readonly plugins: readonly string[];
  readonly tenants: Readonly<Record<string, TenantConfig>>;
  readonly targets: readonly InventoryTarget[];
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

export interface PlatformsConfig {
  readonly discord?: { readonly channels: readonly string[] } | undefined;
  readonly lark?: { readonly appId: string; readonly appSecret: Secret } | undefined;
}
