import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, freePort, type ServerProcess, startService, untilReady } from '@moltbot/testkit';

/** Two processes of an ingress: one leads, the other stands by. */
export interface Ingresses {
  /** Index of the one whose term is the latest, by what they say of it. */
  leader(): number;
  process(index: number): ServerProcess;
  /** kill -9, at once. */
  kill(index: number): Promise<void>;
  /** Starts what was killed; resolves when it is ready. */
  start(index: number): Promise<void>;
  stop(): Promise<void>;
}

const readyWithinMs = 120_000;

/** @param directory holds config.yaml, and gets the logs */
export async function startIngresses(platform: 'discord' | 'lark', directory: string): Promise<Ingresses> {
  const servers: ServerProcess[] = [];
  const nameOf = (index: number): string => `${platform}-ingress-${index}`;
  const epochOf = (index: number): number => {
    const log = readFileSync(join(directory, `${nameOf(index)}.log`), 'utf8');
    return Math.max(0, ...[...log.matchAll(/"epoch":(\d+),"msg":"leads"/g)].map(([, epoch]) => Number(epoch)));
  };
  const leader = (): number => (epochOf(0) > epochOf(1) ? 0 : 1);
  const process = (index: number): ServerProcess => {
    const server = servers[index];
    if (!server) throw new Error(`there is no ingress ${index}`);
    return server;
  };
  const start = async (index: number): Promise<void> => {
    const port = await freePort();
    const environment = { MOLTBOT_CONFIG: 'config.yaml', MOLTBOT_PLATFORMS_OPS_PORT: String(port) };
    servers[index] = startService(`${platform}-ingress`, { directory, name: nameOf(index), environment });
    await untilReady(`http://127.0.0.1:${port}`, process(index), readyWithinMs);
  };
  await Promise.all([start(0), start(1)]);
  await eventually('one leads', () => Math.max(epochOf(0), epochOf(1)) > 0);
  return {
    leader,
    process,
    kill: (index) => process(index).kill('SIGKILL'),
    start,
    async stop() {
      await Promise.all(servers.map((server) => server.kill('SIGTERM')));
    },
  };
}
