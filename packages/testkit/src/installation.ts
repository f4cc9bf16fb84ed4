import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiClient, createApiClient } from './api-client.ts';
import { eventually } from './eventually.ts';
import { freePort } from './free-port.ts';
import { startRabbitmq, type TestRabbitmq } from './rabbitmq.ts';
import { startRedis, type TestRedis } from './redis.ts';
import type { ServerProcess } from './server-process.ts';
import { startService, untilReady } from './service-process.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

/** A whole Moltbot made of real processes, and the handles to hurt it. */
export interface Installation {
  readonly api: ApiClient;
  readonly directory: string;
  gateway(): ServerProcess;
  executors(): readonly ServerProcess[];
  schedulers(): readonly ServerProcess[];
  /** Absent when everything is in one process. */
  readonly redis?: TestRedis;
  readonly rabbitmq?: TestRabbitmq;
  /** With `linked`: the ways of each service to Redis and RabbitMQ, which can be cut and frozen. */
  readonly links: readonly ServiceLink[];
  /** Starts what was killed again; resolves when it is ready. */
  restartGateway(): Promise<void>;
  restartExecutor(index: number): Promise<void>;
  restartScheduler(index: number): Promise<void>;
  stop(): Promise<void>;
}

/** What one service reaches one server through. */
export interface ServiceLink {
  /** `executor-1 to redis`. */
  readonly name: string;
  readonly proxy: TcpProxy;
}

export interface InstallationOptions {
  /** Merged into config.yaml. */
  readonly config: Record<string, unknown>;
  /** A key that `config` holds. Default: the first key, which is made when it holds none. */
  readonly apiKey?: string | undefined;
  readonly executors?: number;
  /** Default 1. */
  readonly schedulers?: number;
  /** More arguments of redis-server. */
  readonly redisArgs?: readonly string[];
  /** Erlang expressions that the broker evaluates before a service connects. */
  readonly brokerSettings?: readonly string[];
  /** Each service reaches Redis and RabbitMQ through proxies of its own. Default false. */
  readonly linked?: boolean;
}

export type StartInstallation = (options: InstallationOptions) => Promise<Installation>;

/** A service waits for what it needs, which may be hurt as well. */
const readyWithinMs = 120_000;

/** Everything in one process, as `npm start` runs it. */
export const startEmbedded: StartInstallation = async ({ config, apiKey }) => {
  const directory = mkdtempSync(join(tmpdir(), 'moltbot-embedded-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  writeConfig(directory, { ...config, gateway: { port }, dataDir: directory });
  const start = async (): Promise<ServerProcess> => {
    const server = startService('standalone', {
      directory,
      name: 'standalone',
      environment: { MOLTBOT_CONFIG: 'config.yaml' },
    });
    await untilReady(url, server, readyWithinMs);
    return server;
  };
  let server = await start();
  const restart = async (): Promise<void> => {
    await server.kill('SIGKILL');
    server = await start();
  };
  return {
    api: createApiClient(url, apiKey ?? (await keyIn(directory))),
    directory,
    gateway: () => server,
    executors: () => [server],
    schedulers: () => [server],
    links: [],
    restartGateway: restart,
    restartExecutor: restart,
    restartScheduler: restart,
    async stop() {
      await server.kill('SIGTERM');
      rmSync(directory, { recursive: true, force: true });
    },
  };
};

/** A process each: gateway, executors, schedulers, RabbitMQ, Redis. */
export const startDistributed: StartInstallation = async (options) => {
  const {
    config,
    executors = 2,
    schedulers = 1,
    redisArgs = [],
    brokerSettings = [],
    linked = false,
    apiKey,
  } = options;
  const directory = mkdtempSync(join(tmpdir(), 'moltbot-distributed-'));
  const [redis, rabbitmq, port] = await Promise.all([startRedis({ args: redisArgs }), startRabbitmq(), freePort()]);
  for (const setting of brokerSettings) await rabbitmq.evaluate(setting);
  const url = `http://127.0.0.1:${port}`;
  const ports = { bus: { url: rabbitmq.url }, store: { url: redis.url } };
  writeConfig(directory, { ...config, ...ports, gateway: { port }, dataDir: directory });
  const numbered = (name: string, count: number): string[] =>
    Array.from({ length: count }, (_, index) => `${name}-${index}`);
  const names = ['gateway', ...numbered('executor', executors), ...numbered('scheduler', schedulers)];
  const ways = linked ? await Promise.all(names.map((name) => openWays(name, { redis, rabbitmq }))) : [];
  const environmentOf = (name: string): Record<string, string> => ({
    MOLTBOT_CONFIG: 'config.yaml',
    ...ways.find((way) => way.name === name)?.environment,
  });
  const startGateway = async (): Promise<ServerProcess> => {
    const server = startService('gateway', {
      directory,
      name: 'gateway',
      environment: environmentOf('gateway'),
    });
    await untilReady(url, server, readyWithinMs);
    return server;
  };
  const startWorker = async (service: 'executor' | 'scheduler', index: number): Promise<ServerProcess> => {
    const ops = await freePort();
    const name = `${service}-${index}`;
    const variable = `MOLTBOT_${service.toUpperCase()}_OPS_PORT`;
    const server = startService(service, {
      directory,
      name,
      environment: { ...environmentOf(name), [variable]: String(ops) },
    });
    await untilReady(`http://127.0.0.1:${ops}`, server, readyWithinMs);
    return server;
  };
  const startAll = (service: 'executor' | 'scheduler', count: number) =>
    Promise.all(Array.from({ length: count }, (_, index) => startWorker(service, index)));
  let [gateway, workers, leaders] = await Promise.all([
    startGateway(),
    startAll('executor', executors),
    startAll('scheduler', schedulers),
  ]);
  return {
    api: createApiClient(url, apiKey ?? (await keyIn(directory))),
    directory,
    redis,
    rabbitmq,
    links: ways.flatMap(({ links }) => links),
    gateway: () => gateway,
    executors: () => workers,
    schedulers: () => leaders,
    async restartGateway() {
      await gateway.kill('SIGKILL');
      gateway = await startGateway();
    },
    async restartExecutor(index) {
      await workers[index]?.kill('SIGKILL');
      workers[index] = await startWorker('executor', index);
    },
    async restartScheduler(index) {
      await leaders[index]?.kill('SIGKILL');
      leaders[index] = await startWorker('scheduler', index);
    },
    async stop() {
      await Promise.all([gateway, ...workers, ...leaders].map((server) => server.kill('SIGTERM')));
      await Promise.all(ways.flatMap(({ links }) => links).map(({ proxy }) => proxy.stop()));
      await Promise.all([redis.stop(), rabbitmq.stop()]);
      rmSync(directory, { recursive: true, force: true });
    },
  };
};

interface Ways {
  readonly name: string;
  readonly links: readonly ServiceLink[];
  readonly environment: Record<string, string>;
}

async function openWays(
  name: string,
  { redis, rabbitmq }: { readonly redis: TestRedis; readonly rabbitmq: TestRabbitmq },
): Promise<Ways> {
  const [store, bus] = await Promise.all([startTcpProxy(redis.port), startTcpProxy(rabbitmq.port)]);
  const through = (url: string, { port }: TcpProxy): string => Object.assign(new URL(url), { port: String(port) }).href;
  return {
    name,
    links: [
      { name: `${name} to redis`, proxy: store },
      { name: `${name} to rabbitmq`, proxy: bus },
    ],
    environment: {
      MOLTBOT_STORE_URL: through(redis.url, store),
      MOLTBOT_BUS_URL: through(rabbitmq.url, bus),
    },
  };
}

// JSON is YAML.
const writeConfig = (directory: string, config: unknown): void =>
  writeFileSync(join(directory, 'config.yaml'), JSON.stringify(config, null, 2));

const keyIn = (directory: string): Promise<string> =>
  eventually('the first API key', () => readFileSync(join(directory, 'api-key'), 'utf8').trim());
