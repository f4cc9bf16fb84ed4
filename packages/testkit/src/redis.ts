import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { type ServerProcess, startProcess, untilListening } from './server-process.ts';

export interface RedisOptions {
  /** Asked of every client when given. */
  readonly password?: string;
  /** More arguments of redis-server. */
  readonly args?: readonly string[];
}

/**
 * A private Redis on 127.0.0.1 that keeps its data in an append-only file, synced every second: `kill` can lose what was
 * answered just before. With `args: ['--appendfsync', 'always']` it loses nothing.
 */
export interface TestRedis {
  /** With the password, if it has one. */
  readonly url: string;
  readonly port: number;
  /** kill -9; resolves when the process is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same data, ended first if it runs. */
  restart(): Promise<void>;
  /** Starts it again with nothing in it. */
  restartEmpty(): Promise<void>;
  /** SIGSTOP and SIGCONT: a server that hangs. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Ends it and deletes its data. */
  stop(): Promise<void>;
}

/**
 * Starts a Redis and resolves when it takes connections, in about 0.1 s.
 * @throws when redis-server is not installed, or with its log when it does not come up
 */
export async function startRedis({ password, args = [] }: RedisOptions = {}): Promise<TestRedis> {
  const directory = await mkdtemp(join(tmpdir(), 'moltbot-redis-'));
  const port = await freePort();
  const start = async (): Promise<ServerProcess> => {
    const server = startProcess({
      command: 'redis-server',
      args: [...serverArgs(directory, port), ...(password ? ['--requirepass', password] : []), ...args],
      logFile: join(directory, 'redis.log'),
    });
    await untilListening(server, port);
    return server;
  };
  let server = await start();
  const kill = async (): Promise<void> => {
    await server.kill('SIGKILL');
  };
  return {
    url: `redis://${password ? `:${password}@` : ''}127.0.0.1:${port}`,
    port,
    kill,
    async restart() {
      await kill();
      server = await start();
    },
    async restartEmpty() {
      await kill();
      await rm(join(directory, 'appendonlydir'), { recursive: true, force: true });
      server = await start();
    },
    pause: () => server.kill('SIGSTOP'),
    resume: () => server.kill('SIGCONT'),
    async stop() {
      await kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

const serverArgs = (directory: string, port: number): string[] => [
  ...['--bind', '127.0.0.1', '--port', String(port), '--dir', directory, '--daemonize', 'no'],
  ...['--appendonly', 'yes', '--appendfsync', 'everysec', '--save', ''],
];
