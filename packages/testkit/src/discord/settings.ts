import type {
  DiscordOptions,
  GuildOptions,
  Limits,
  PrivilegedIntent,
  RateLimit,
  Timing,
  UserOptions,
} from './options.ts';

/**
 * What has been seen of the vendor's limits, which it does not document; a client has to read them from the headers.
 * Routes without an entry send no such headers, as interaction callbacks do not.
 */
const defaultRateLimits: Readonly<Record<string, RateLimit>> = {
  'POST /channels/:channel/messages': { limit: 5, windowMs: 5_000 },
  'PATCH /channels/:channel/messages/:message': { limit: 5, windowMs: 5_000 },
  'DELETE /channels/:channel/messages/:message': { limit: 5, windowMs: 1_000 },
  'PUT /channels/:channel/messages/:message/reactions/:emoji/@me': { limit: 1, windowMs: 250 },
  'POST /webhooks/:application/:token': { limit: 5, windowMs: 2_000 },
  'PATCH /webhooks/:application/:token/messages/:message': { limit: 5, windowMs: 2_000 },
  'POST /users/@me/channels': { limit: 10, windowMs: 10_000 },
};

const defaultTiming: Timing = {
  heartbeat: 41_250,
  resumeWindow: 180_000,
  identify: 5_000,
  acknowledge: 3_000,
  interactionToken: 15 * 60_000,
  nonce: 5 * 60_000,
  oldMessage: 3_600_000,
  archiveMinute: 60_000,
};

const defaultLimits: Limits = {
  replay: 1_000,
  identifies: 1_000,
  maxConcurrency: 1,
  gatewaySends: 120,
  globalRequests: 50,
  invalidRequests: 10_000,
  commandCreatesPerDay: 200,
  oldEdits: { limit: 3, windowMs: 20_000 },
  fileBytes: 10 * 1024 * 1024,
  requestBytes: 25 * 1024 * 1024,
};

const defaultUsers: Readonly<Record<string, UserOptions>> = {
  alice: { displayName: 'Alice' },
  bob: { displayName: 'Bob', locale: 'zh-CN' },
};

/** Options with every default filled in. */
export interface Settings {
  readonly port: number | undefined;
  readonly host: string;
  readonly origin: string | undefined;
  readonly token: string;
  readonly bot: string;
  readonly pageKey: string | undefined;
  readonly hints: readonly string[];
  readonly users: Readonly<Record<string, UserOptions>>;
  readonly guilds: Readonly<Record<string, GuildOptions>>;
  readonly grantedIntents: readonly PrivilegedIntent[];
  readonly rateLimits: ReadonlyMap<string, RateLimit>;
  readonly timing: Timing;
  readonly limits: Limits;
}

export function compileOptions(options: DiscordOptions): Settings {
  return {
    port: options.port,
    host: options.host ?? '127.0.0.1',
    origin: options.origin,
    token: options.token ?? 'stand-in.bot.token',
    bot: options.bot ?? 'moltbot',
    pageKey: options.pageKey,
    hints: options.hints ?? [],
    users: options.users ?? defaultUsers,
    guilds: options.guilds ?? { ops: {} },
    grantedIntents: options.grantedIntents ?? ['GuildMembers', 'GuildPresences', 'MessageContent'],
    rateLimits: compileRateLimits(options.rateLimits ?? {}),
    timing: { ...defaultTiming, ...options.timing },
    limits: { ...defaultLimits, ...options.limits },
  };
}

function compileRateLimits(given: Readonly<Record<string, RateLimit | 'none'>>): ReadonlyMap<string, RateLimit> {
  const entries = Object.entries({ ...defaultRateLimits, ...given });
  return new Map(entries.flatMap(([route, limit]) => (limit === 'none' ? [] : [[route, limit] as const])));
}
