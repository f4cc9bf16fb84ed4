import { backoffMs, corkByTurn, type Logger, MoltError, type Secret } from '@moltbot/shared';
import { Redis, type RedisOptions } from 'ioredis';
import type { Script } from './lua/common.ts';

export type Argument = string | number | Buffer;

export interface RedisClientOptions {
  /** `redis://user:password@host:port/db`, or `rediss://` for TLS. */
  readonly url: Secret;
  readonly log: Logger;
  /** The connection for commands is there (again): Redis may not be what it was. */
  readonly onReady: () => void;
  readonly onMessage: (channel: string, message: string) => void;
  /** The connection that listens is there (again): what was published meanwhile is lost. */
  readonly onListening: () => void;
}

/** Two connections to one Redis: one for commands, one that listens. Both come back for ever. */
export interface RedisClient {
  /** Resolves when Redis is there, or when the first try has failed and the next ones have begun. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Why Redis cannot be used now; undefined when it can. */
  fault(): string | undefined;
  /** @throws MOLT_STORE_DOWN within 1 s */
  command(name: string, ...args: readonly Argument[]): Promise<unknown>;
  /** @throws MOLT_STORE_DOWN within 1 s */
  run(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<unknown>;
  /** As `run`, with strings of the reply as bytes. */
  runBuffer(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<unknown>;
  /** Resolves when messages of the channel arrive from now on; false when they do not yet: `onListening` tells when to try again. */
  subscribe(channel: string): Promise<boolean>;
  unsubscribe(channel: string): void;
}

/** A call fails at once while there is no connection, and after this when Redis hangs: it never waits in a queue. */
const answersWithinMs = 1_000;

const options = {
  lazyConnect: true,
  connectTimeout: 2_000,
  // Of what the driver asks by itself when it connects.
  commandTimeout: 2_000,
  maxRetriesPerRequest: 1,
  enableOfflineQueue: false,
  // A command whose answer was lost may have been done: only the caller knows whether it may be sent again.
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  // The address leads to a primary that became a replica: another connection may lead to the new one.
  reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
  retryStrategy: (attempt: number) => backoffMs(attempt, { baseMs: 50, maxMs: 2_000 }),
} as const satisfies RedisOptions;

const pingEveryMs = 1_000;
/** A connection this long without an answer is given up: the host may be gone without a word. */
const silentPings = 5;

/** Makes no connection yet. */
export function createRedisClient({ url, log, onReady, onMessage, onListening }: RedisClientOptions): RedisClient {
  const commands = createLink({ url, log: log.child({ connection: 'commands' }) });
  const listener = createLink({ url, log: log.child({ connection: 'listener' }) });
  commands.redis.on('ready', onReady);
  listener.redis.on('message', onMessage);
  listener.redis.on('ready', onListening);
  const { redis } = commands;

  const evaluate = async ({ sha1, lua }: Script, parts: readonly Argument[], call: Call): Promise<unknown> => {
    try {
      return await call('EVALSHA', [sha1, ...parts]);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      return await call('EVAL', [lua, ...parts]);
    }
  };
  return {
    start: async () => void (await Promise.all([commands.start(), listener.start()])),
    stop: async () => void (await Promise.all([commands.stop(), listener.stop()])),
    fault: commands.fault,
    command: (name, ...args) => commands.guard(() => redis.call(name, [...args])),
    run: (script, keys, args) =>
      commands.guard(() => evaluate(script, [keys.length, ...keys, ...args], (name, all) => redis.call(name, all))),
    runBuffer: (script, keys, args) =>
      commands.guard(() =>
        evaluate(script, [keys.length, ...keys, ...args], (name, all) => redis.callBuffer(name, all)),
      ),
    subscribe: (channel) => subscribe(listener, channel),
    unsubscribe: (channel) => void listener.redis.unsubscribe(channel).catch(() => {}),
  };
}

type Call = (name: string, args: Argument[]) => Promise<unknown>;

async function subscribe({ redis }: Link, channel: string): Promise<boolean> {
  try {
    await redis.subscribe(channel);
    return true;
  } catch {
    // Not subscribed on a connection that stays would be deaf for ever: a new one subscribes to everything again.
    if (redis.status === 'ready') redis.disconnect(true);
    return false;
  }
}

/** One connection that is watched. */
interface Link {
  readonly redis: Redis;
  start(): Promise<void>;
  stop(): Promise<void>;
  fault(): string | undefined;
  /** Runs a call; every failure to reach Redis becomes MOLT_STORE_DOWN. */
  guard<T>(call: () => Promise<T>): Promise<T>;
}

function createLink({ url, log }: { readonly url: Secret; readonly log: Logger }): Link {
  const redis = new Redis(url.reveal(), options);
  let lastError = 'not connected yet';
  let silent: string | undefined;
  let pings: NodeJS.Timeout | undefined;
  const fault = (): string | undefined => (redis.status === 'ready' ? silent : lastError);
  const guard = async <T>(call: () => Promise<T>): Promise<T> => {
    if (redis.status !== 'ready') throw downError(lastError);
    try {
      const reply = await answered(call());
      silent = undefined;
      return reply;
    } catch (error) {
      if (!isReply(error)) silent = error === unanswered ? unanswered.message : 'the connection to Redis broke';
      throw toMoltError(error, fault());
    }
  };
  redis.on('error', (error: Error) => {
    if (error.message === lastError) return;
    lastError = error.message;
    log.warn({ reason: error.message }, 'the connection to Redis failed; trying again');
  });
  redis.on('close', () => {
    if (lastError === '') lastError = 'the connection to Redis broke';
  });
  redis.on('connect', () => corkByTurn(redis.stream));
  redis.on('ready', () => {
    lastError = '';
    silent = undefined;
    log.info({}, 'connected to Redis');
  });
  return {
    redis,
    fault,
    guard,
    async start() {
      pings = watchPings(redis, guard);
      await redis.connect().catch(() => {});
    },
    async stop() {
      clearInterval(pings);
      await disconnect(redis);
    },
  };
}

const unanswered = new Error('Redis does not answer');

/** A wait through which this process itself was busy goes on for so long: it may have asked only at its end, ms. */
const graceMs = 250;
const lateMs = 20;

/** @throws `unanswered`. What has come by then is read before: timers come before the sockets. */
const answered = <T>(call: Promise<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    const dueAt = performance.now() + answersWithinMs;
    const giveUp = (): void => reject(unanswered);
    let timer = setTimeout(() => {
      timer = setTimeout(giveUp, performance.now() > dueAt + lateMs ? graceMs : 0);
    }, answersWithinMs);
    void call.then(resolve, reject).finally(() => clearTimeout(timer));
  });

function watchPings(redis: Redis, guard: Link['guard']): NodeJS.Timeout {
  let failures = 0;
  const ping = async (): Promise<void> => {
    if (redis.status !== 'ready') return;
    try {
      await guard(() => redis.ping());
      failures = 0;
    } catch {
      failures += 1;
      if (failures < silentPings) return;
      failures = 0;
      redis.disconnect(true);
    }
  };
  return setInterval(() => void ping(), pingEveryMs);
}

async function disconnect(redis: Redis): Promise<void> {
  const connected = ['connecting', 'connect', 'ready'].includes(redis.status);
  const ended = new Promise<void>((resolve) => redis.once('end', () => resolve()));
  redis.disconnect();
  // Between two tries there is nothing to end, and ioredis says nothing.
  if (connected) await ended;
}

/** Redis itself refused: it is there. */
const isReply = (error: unknown): error is Error => error instanceof Error && error.name === 'ReplyError';

/** A reply that says that our own command or script is wrong, not that Redis cannot be used. */
const isDefect = (error: unknown): boolean =>
  isReply(error) &&
  /^(?:WRONGTYPE|ERR (?:unknown|wrong number|syntax|value is not)|ERR .*user_script)/.test(error.message);

/** Errors of the driver carry the command with its arguments, the password among them: only their text goes on. */
function toMoltError(error: unknown, fault: string | undefined): MoltError {
  const text = error instanceof Error ? error.message : String(error);
  if (isDefect(error)) return new MoltError('MOLT_INTERNAL', text);
  return downError(isReply(error) ? text : (fault ?? text));
}

const downError = (reason: string): MoltError =>
  new MoltError('MOLT_STORE_DOWN', `Redis cannot be used: ${reason || 'the connection broke'}`);
