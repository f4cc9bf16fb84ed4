import { Client, type GatewayDispatchEvents, type GatewayDispatchPayload, GatewayIntentBits } from '@discordjs/core';
import { REST, type RESTOptions } from '@discordjs/rest';
import {
  CompressionMethod,
  type OptionalWebSocketManagerOptions,
  type SessionInfo,
  WebSocketManager,
} from '@discordjs/ws';
import { type DiscordOptions, eventually, startDiscord, type TestDiscord } from '@moltbot/testkit';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';

type EventName = `${GatewayDispatchEvents}`;

/** A bot of the vendor's own parts, and what it was told. */
export interface TestBot {
  readonly rest: REST;
  readonly api: Client['api'];
  readonly client: Client;
  readonly gateway: WebSocketManager;
  /** In the order they came, over all connections. */
  readonly events: readonly GatewayDispatchPayload[];
  /** Codes its connections ended with. */
  readonly closes: readonly number[];
  /** What went wrong. */
  readonly errors: readonly Error[];
  /** Its session, as it would be kept for another process. */
  session(): SessionInfo | null;
  /** The data of all events of a kind. */
  of(name: EventName): readonly Record<string, unknown>[];
  /** The texts of MESSAGE_CREATE. */
  heard(): readonly string[];
}

export interface BotOptions {
  /** Default: guilds, messages, direct messages, and message content. */
  readonly intents?: number;
  readonly rest?: Partial<RESTOptions>;
  readonly gateway?: Partial<OptionalWebSocketManagerOptions>;
  readonly compressed?: boolean;
  readonly token?: string;
  /** To begin with. */
  readonly session?: SessionInfo | null;
  /** Waits 5 s between IDENTIFYs, as the library does. Default false: a test has no time. */
  readonly patient?: boolean;
}

const { Guilds, GuildMessages, MessageContent, DirectMessages } = GatewayIntentBits;

/** A stand-in that ends with the test. */
export async function lab(options?: DiscordOptions): Promise<TestDiscord> {
  const discord = await startDiscord(options);
  onTestFinished(() => discord.stop());
  return discord;
}

/** Not connected yet; ends with the test. */
export function bot(discord: TestDiscord, options: BotOptions = {}): TestBot {
  const token = options.token ?? discord.token;
  const rest = new REST({ version: '10', api: discord.api, ...options.rest }).setToken(token);
  let session = options.session ?? null;
  const gateway = new WebSocketManager({
    token,
    rest,
    intents: options.intents ?? Guilds | GuildMessages | MessageContent | DirectMessages,
    compression: options.compressed ? CompressionMethod.ZlibNative : null,
    retrieveSessionInfo: () => session,
    updateSessionInfo: (_shard, next) => {
      session = next;
    },
    ...(options.patient ? {} : { buildIdentifyThrottler: () => ({ waitForIdentify: async () => {} }) }),
    ...options.gateway,
  });
  const client = new Client({ rest, gateway });
  const events: GatewayDispatchPayload[] = [];
  const closes: number[] = [];
  const errors: Error[] = [];
  gateway.on('dispatch', (payload) => void events.push(payload));
  gateway.on('closed', (code) => void closes.push(code));
  gateway.on('error', (error) => void errors.push(error));
  onTestFinished(async () => {
    await gateway.destroy();
    rest.clearHashSweeper();
    rest.clearHandlerSweeper();
  });
  const of = (name: EventName) =>
    events.filter(({ t }) => t === name).map(({ d }) => d as unknown as Record<string, unknown>);
  return {
    ...{ rest, client, gateway, events, closes, errors, of },
    api: client.api,
    session: () => session,
    heard: () => of('MESSAGE_CREATE').map(({ content }) => String(content)),
  };
}

/** A bot that has its session and knows its guilds. */
export async function connected(discord: TestDiscord, options: BotOptions = {}): Promise<TestBot> {
  const made = bot(discord, options);
  await made.gateway.connect();
  await eventually('the guilds', () => made.events.some(({ t }) => ['GUILD_CREATE', 'RESUMED'].includes(t)));
  return made;
}

/** What a failed request was answered with. */
export async function refusalOf(
  request: Promise<unknown>,
): Promise<{ status: number; code: number | string; errors: unknown }> {
  const error = (await request.then(
    () => undefined,
    (reason: unknown) => reason,
  )) as { status?: number; code?: number | string; rawError?: { errors?: unknown } } | undefined;
  return { status: error?.status ?? 200, code: error?.code ?? 0, errors: error?.rawError?.errors };
}

/** A client that may misbehave, where the SDK cannot. */
export interface RawClient {
  readonly closed: Promise<number>;
  readonly received: readonly {
    readonly op: number;
    readonly t: string | null;
    readonly d: unknown;
    readonly s: number | null;
  }[];
  send(payload: unknown): void;
  identify(more?: object): void;
  close(code: number): void;
}

export function rawClient(discord: TestDiscord, query = 'v=10&encoding=json'): RawClient {
  const socket = new WebSocket(`${discord.url.replace('http', 'ws')}/?${query}`);
  const opened = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<number>();
  const received: RawClient['received'][number][] = [];
  socket.on('open', opened.resolve);
  socket.on('close', closed.resolve);
  socket.on('message', (data: Buffer) => void received.push(JSON.parse(data.toString())));
  onTestFinished(() => socket.terminate());
  const send = (payload: unknown): void => {
    const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
    opened.promise.then(() => socket.send(text)).catch(() => {});
  };
  return {
    closed: closed.promise,
    received,
    send,
    identify: (more) =>
      send({ op: 2, d: { token: discord.token, intents: 513, properties: { os: 'linux' }, ...more } }),
    close: (code) => void opened.promise.then(() => socket.close(code)),
  };
}
