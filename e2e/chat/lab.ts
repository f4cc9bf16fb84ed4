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
  /** Another process would go on so: with what is in the store. @param aliases instead of those of the lab */
  restart(aliases?: readonly Alias[]): Promise<void>;
  stop(): Promise<void>;
}

type Alias = Readonly<Record<string, unknown>>;

export const labAliases: readonly Alias[] = [
  { name: 'say', action: 'shell.run', args: { command: 'printf "%s|" {1} {2}' }, usage: 'ONE TWO' },
  { name: 'uptime-of-web', action: 'shell.run', on: 'web-1', args: { command: 'uptime' } },
];

type LabPlatform = Pick<TestPlatform, 'name' | 'config' | 'channel' | 'isHeard'>;

/** Everything in this process, over an embedded bus and store, with the bots of the platform. */
export async function startChatLab(platform: LabPlatform, more: Record<string, unknown> = {}): Promise<ChatLab> {
  const directory = mkdtempSync(join(tmpdir(), 'moltbot-chat-'));
  const lines: string[] = [];
  const launch = async (aliases: readonly Alias[]): Promise<Service> => {
    const file = join(directory, 'config.json');
    writeFileSync(file, JSON.stringify(configOf(directory, { platform, more, aliases })));
    const { config } = await loadConfig({ environment: { MOLTBOT_CONFIG: file }, cwd: directory });
    const log = process.env['MOLTBOT_TEST_LOG'] ? createLogger({ service: 'lab', level: 'debug' }) : silentLogger;
    lines.length = 0;
    const launched = await createStandalone({ config, log, processName: 'lab', say: (line) => lines.push(line) });
    await launched.start();
    await eventually('the bot is connected', () => launched.health().ok && (platform.isHeard?.() ?? true));
    return launched;
  };
  const end = async (ending: Service): Promise<void> => {
    await ending.quiesce(AbortSignal.timeout(3_000));
    await ending.stop();
  };
  let service = await launch(labAliases);
  return {
    directory,
    url: () => /https?:\/\/[\w.:]+/.exec(lines.find((line) => line.includes('is ready at')) ?? '')?.[0] ?? '',
    key: () => readFileSync(join(directory, 'data', 'api-key'), 'utf8').trim(),
    async restart(aliases = labAliases) {
      await end(service);
      service = await launch(aliases);
    },
    async stop() {
      await end(service);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

interface LabConfig {
  readonly platform: LabPlatform;
  readonly more: Record<string, unknown>;
  readonly aliases: readonly Alias[];
}

function configOf(directory: string, { platform, more, aliases }: LabConfig): object {
  const hosts = Array.from({ length: 30 }, (_, index) => ({
    ...{ name: `host-${String(index + 1).padStart(2, '0')}`, transport: 'local', labels: { fleet: 'all' } },
  }));
  return {
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
    platforms: { aliases, ...platform.config },
  };
}
