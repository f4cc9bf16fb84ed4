import type { PermissionName } from './permissions.ts';

/** What a stand-in is made of. All of it has defaults: one guild `ops` with the channels `general` and `ops`, and `alice` and `bob` in it. */
export interface DiscordOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** Name of the interface to listen on. Default 127.0.0.1. */
  readonly host?: string;
  /** Where clients are told to connect: `http://127.0.0.1:8080`, when something stands in between. Default: its own address. */
  readonly origin?: string;
  /** The bot's token. Default `stand-in.bot.token`. */
  readonly token?: string;
  /** Username of the bot. Default `moltbot`. */
  readonly bot?: string;
  /** Shut the page for whoever does not open it with `?key=…`. Letters and digits. Default: everybody may. */
  readonly pageKey?: string;
  /** Messages that the page offers to be sent, for who has never spoken to the bot. */
  readonly hints?: readonly string[];
  /** By username. */
  readonly users?: Readonly<Record<string, UserOptions>>;
  /** By name. */
  readonly guilds?: Readonly<Record<string, GuildOptions>>;
  /** Privileged intents switched on in the developer portal. Default: all. */
  readonly grantedIntents?: readonly PrivilegedIntent[];
  /** By route, such as `POST /channels/:channel/messages`; `none` takes the limit of a route away. The rest keeps its default. */
  readonly rateLimits?: Readonly<Record<string, RateLimit | 'none'>>;
  readonly timing?: Partial<Timing>;
  readonly limits?: Partial<Limits>;
}

export type PrivilegedIntent = 'GuildMembers' | 'GuildPresences' | 'MessageContent';

export interface UserOptions {
  /** Shown instead of the username. */
  readonly displayName?: string;
  /** The language of the client: `en-US`, `zh-CN`. Default `en-US`. */
  readonly locale?: string;
  /** Takes messages of the bot. Default true. */
  readonly acceptsDms?: boolean;
}

export interface GuildOptions {
  /** Default `en-US`. */
  readonly locale?: string;
  /** By name. Default `general` and `ops`. */
  readonly channels?: Readonly<Record<string, ChannelOptions>>;
  /** By name. */
  readonly roles?: Readonly<Record<string, RoleOptions>>;
  /** Names of roles by username. Default: all users, without roles. */
  readonly members?: Readonly<Record<string, readonly string[]>>;
  /** The username of who may everything. Default: the first member. */
  readonly owner?: string;
  /** What the bot's own role allows. Default: what a chat bot asks for, and pinging everyone. */
  readonly botPermissions?: readonly PermissionName[];
}

export interface ChannelOptions {
  readonly topic?: string;
  /** Overwrites by name of a role, `@everyone`, a user, or the bot. */
  readonly permissions?: Readonly<Record<string, OverwriteOptions>>;
}

export interface OverwriteOptions {
  readonly allow?: readonly PermissionName[];
  readonly deny?: readonly PermissionName[];
}

export interface RoleOptions {
  readonly permissions?: readonly PermissionName[];
  /** Default false. */
  readonly mentionable?: boolean;
  /** 0xRRGGBB. */
  readonly color?: number;
}

/** So many requests from the first one on. */
export interface RateLimit {
  readonly limit: number;
  readonly windowMs: number;
}

/** Milliseconds. */
export interface Timing {
  /** Told in HELLO; a client that is silent for one and a half of it is cut. */
  readonly heartbeat: number;
  /** How long a session without a connection can be resumed. Discord says "a few minutes". */
  readonly resumeWindow: number;
  /** One IDENTIFY for each of `maxConcurrency` keys in this time. */
  readonly identify: number;
  /** To acknowledge an interaction. */
  readonly acknowledge: number;
  /** Life of an interaction's token. */
  readonly interactionToken: number;
  /** How long an enforced nonce is remembered. Discord says "the past few minutes". */
  readonly nonce: number;
  /** From this age on, edits count against `limits.oldEdits`. */
  readonly oldMessage: number;
  /** A minute of `auto_archive_duration`. */
  readonly archiveMinute: number;
}

export interface Limits {
  /** Events a session keeps for a RESUME. */
  readonly replay: number;
  /** IDENTIFYs in 24 hours; the next one ends all sessions and resets the token. */
  readonly identifies: number;
  readonly maxConcurrency: number;
  /** Payloads a client may send on one connection in 60 s. */
  readonly gatewaySends: number;
  /** Requests a second over all routes. */
  readonly globalRequests: number;
  /** Answers 401, 403 and 429 in ten minutes, after which the address is shut out. */
  readonly invalidRequests: number;
  readonly commandCreatesPerDay: number;
  /** Edits of old messages in one channel. Not documented by Discord; the figures are of a bot that measured them. */
  readonly oldEdits: RateLimit;
  readonly fileBytes: number;
  readonly requestBytes: number;
}
