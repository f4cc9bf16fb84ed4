import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, startRabbitmq, startRedis, startService, untilReady } from '@moltbot/testkit';

/** What the bots of all runs stand on: a broker, a store, and one executor whose target is this machine. */
export interface Ground {
  /** Of config.yaml. */
  readonly config: Record<string, unknown>;
  stop(): Promise<void>;
}

export async function startGround(): Promise<Ground> {
  const directory = mkdtempSync(join(tmpdir(), 'moltbot-chat-ground-'));
  const [redis, rabbitmq, port] = await Promise.all([startRedis(), startRabbitmq(), freePort()]);
  const config = {
    ...{ bus: { url: rabbitmq.url }, store: { url: redis.url } },
    guard: { directory: join(directory, 'guard') },
    plugins: ['@moltbot/plugin-shell'],
    targets: [{ name: 'web-1', transport: 'local' }],
    limits: { requests: { perSecond: 5_000, burst: 5_000 } },
    executor: { slots: 16 },
    log: { level: 'info' },
  };
  writeConfig(directory, config);
  const environment = { MOLTBOT_CONFIG: 'config.yaml', MOLTBOT_EXECUTOR_OPS_PORT: String(port) };
  const executor = startService('executor', { directory, name: 'executor', environment });
  await untilReady(`http://127.0.0.1:${port}`, executor);
  return {
    config,
    async stop() {
      await executor.kill('SIGTERM');
      await Promise.all([redis.stop(), rabbitmq.stop()]);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** JSON is YAML. */
export const writeConfig = (directory: string, config: Record<string, unknown>): void =>
  writeFileSync(join(directory, 'config.yaml'), JSON.stringify(config, null, 2));
