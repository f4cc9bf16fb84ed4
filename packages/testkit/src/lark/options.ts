/** What a stand-in is made of. All of it has defaults: one tenant `acme` with the app `moltbot`, the groups `general` and `ops`, and `alice` and `bob` in them. */
export interface LarkOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** Name of the interface to listen on. Default 127.0.0.1. */
  readonly host?: string;
  /** Where clients are told to connect: `http://127.0.0.1:8080`, when something stands in between. Default: its own address. */
  readonly origin?: string;
  /** By name. */
  readonly tenants?: Readonly<Record<string, TenantOptions>>;
  readonly connection?: Partial<ConnectionConfig>;
  readonly timing?: Partial<Timing>;
  readonly limits?: Partial<Limits>;
}

export interface TenantOptions {
  /** By name. Default `moltbot`. */
  readonly apps?: Readonly<Record<string, AppOptions>>;
  /** By name. */
  readonly users?: Readonly<Record<string, UserOptions>>;
  /** Groups by name. Default `general` and `ops`. */
  readonly chats?: Readonly<Record<string, ChatOptions>>;
  /** User groups: their members by name. */
  readonly groups?: Readonly<Record<string, readonly string[]>>;
}

/** A self-built app with a bot. */
export interface AppOptions {
  /** `cli_` and 16 hexadecimal digits. Default: a random one. */
  readonly id?: string;
  readonly secret?: string;
  /** Default: the app's name. */
  readonly botName?: string;
  /** Events by webhook are encrypted and signed with it. Default: none, they are plain. */
  readonly encryptKey?: string;
  readonly verificationToken?: string;
  /** Default: all that are known here. */
  readonly scopes?: readonly string[];
}

export type Locale = 'en_us' | 'zh_cn';

export interface UserOptions {
  /** Default: the name with a capital. */
  readonly displayName?: string;
  /** The language of the client. Default `en_us`. */
  readonly locale?: Locale;
}

export interface ChatOptions {
  /** Default: all users of the tenant. */
  readonly members?: readonly string[];
  /** Names of apps whose bots are in it. Default: all of the tenant. */
  readonly bots?: readonly string[];
}

/** Told to each client of the long connection; seconds. */
export interface ConnectionConfig {
  /** -1: for ever. */
  readonly reconnectCount: number;
  readonly reconnectInterval: number;
  /** The first attempt waits a random time below it. */
  readonly reconnectNonce: number;
  readonly pingInterval: number;
}

/** Milliseconds, but for the scale. */
export interface Timing {
  /** To acknowledge an event or answer a card's callback. */
  readonly acknowledge: number;
  /** Multiplies the waits before an event is sent again: 15 s, 5 min, 1 h, 6 h. */
  readonly retryScale: number;
  /** Life of an access token. */
  readonly token: number;
  /** How long a `uuid` is remembered. */
  readonly uuid: number;
  /** Life of a callback's token. */
  readonly callbackToken: number;
  /** How long a card can be updated. */
  readonly cardLife: number;
  /** How long a text can be edited; a tenant's administrator sets it. */
  readonly textLife: number;
  /** After it the streaming mode of a card ends by itself. */
  readonly streaming: number;
}

export interface Limits {
  /** Requests of an app to one route. */
  readonly perSecond: number;
  readonly perMinute: number;
  /** Messages into one group, those of all bots together. */
  readonly perChat: number;
  /** Messages to one user. */
  readonly perUser: number;
  /** Updates of one message in a second. */
  readonly perMessage: number;
  /** Operations on one card entity in a second. */
  readonly perCard: number;
  /** Edits of a text. */
  readonly edits: number;
  /** Long connections of an app. */
  readonly connections: number;
  readonly textBytes: number;
  readonly cardBytes: number;
  readonly fileBytes: number;
  readonly imageBytes: number;
  /** Of an event in one frame of the long connection; a longer one comes in pieces. */
  readonly frameBytes: number;
}
