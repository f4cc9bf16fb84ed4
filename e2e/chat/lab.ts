import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, loadConfig, type Service, silentLogger } from '@moltbot/shared';
import { createStandalone } from '@moltbot/standalone';
import { eventually } from '@moltbot/testkit';
import type { TestPlatform } from './platforms.ts';

export interface ChatLab {
  readonly directory: string;
  /** Of the HTTP API, and its key. */
  url(): string;
  key(): string;
  stop(): Promise<void>;
}

/** Everything in this process, over an embedded bus and store, with the bots of the platform. */
export async function startChatLab(platform: TestPlatform, more: Record<string, unknown> = {}): Promise<ChatLab> {
  const directory = mkdtempSync(join(tmpdir(), 'moltbot-chat-'));
  const hosts = Array.from({ length: 30 }, (_, index) => ({
    ...{ name: `host-${String(index + 1).padStart(2, '0')}`, transport: 'local', labels: { fleet: 'all' } },
  }));
  const file = join(directory, 'config.json');
  writeFileSync(
    file,
    JSON.stringify({
      dataDir: join(directory, 'data'),
      gateway: { port: 0 },
      plugins: [...['@moltbot/plugin-shell', '@moltbot/plugin-system'], join(import.meta.dirname, 'risky-plugin.ts')],
      shutdown: { grace: '2s', force: '2s' },
      guard: { directory: join(directory, 'guard') },
      targets: [{ name: 'web-1', transport: 'local', labels: { role: 'web' } }, ...hosts],
      notifications: {
        channels: { ops: { kind: platform.name, options: { channel: platform.channel() } } },
        routes: [{ to: ['ops'] }],
        group: { wait: '1s' },
      },
      ...more,
      platforms: {
        ...platform.config,
        aliases: [
          { name: 'say', action: 'shell.run', args: { command: 'printf "%s|" {1} {2}' }, usage: 'ONE TWO' },
          { name: 'uptime-of-web', action: 'shell.run', on: 'web-1', args: { command: 'uptime' } },
        ],
      },
    }),
  );
  const { config } = await loadConfig({ environment: { MOLTBOT_CONFIG: file }, cwd: directory });
  const level = process.env['MOLTBOT_TEST_LOG'];
  const log = level ? createLogger({ service: 'lab', level: 'debug' }) : silentLogger;
  const lines: string[] = [];
  const service: Service = await createStandalone({ config, log, processName: 'lab', say: (line) => lines.push(line) });
  await service.start();
  await eventually('the bot is connected', () => service.health().ok);
  return {
    directory,
    url: () => /https?:\/\/[\w.:]+/.exec(lines.find((line) => line.includes('is ready at')) ?? '')?.[0] ?? '',
    key: () => readFileSync(join(directory, 'data', 'api-key'), 'utf8').trim(),
    async stop() {
      await service.quiesce(AbortSignal.timeout(3_000));
      await service.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
