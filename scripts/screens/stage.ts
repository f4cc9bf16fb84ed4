import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig, silentLogger } from '@moltbot/shared';
import { type ApiClient, startLark, type TestDiscord, type TestLark } from '@moltbot/testkit';
import { demoConfig } from '../demo/demo-config.ts';
import { startDemoDiscord } from '../demo/demo-discord.ts';
import { createDemo } from '../demo/demo-service.ts';

/** By name; each plays something, and takes pictures of it. */
export type Scenes = Readonly<Record<string, () => Promise<void>>>;

/** One Moltbot with a bot on both platforms, and people there. */
export interface Stage {
  readonly discord: TestDiscord;
  readonly lark: TestLark;
  readonly api: ApiClient;
  /** Address of the page of Discord, with its key. */
  readonly page: string;
  /** The next health check fails on two hosts again. */
  resetHealth(): void;
  close(): Promise<void>;
}

const appId = 'cli_0123456789abcdef';
const hosts = Array.from({ length: 30 }, (_, index) => `edge-${String(index + 1).padStart(2, '0')}`);
/** A channel for each picture. Bob, who sees none of them, sees what a newcomer does. */
const names = ['run', 'live', 'hosts', 'failure', 'cancel', 'long', 'mistake', 'chinese'];
const channels = Object.fromEntries(
  names.map((name) => [name, { permissions: { bob: { deny: ['ViewChannel' as const] } } }]),
);

export async function openStage(): Promise<Stage> {
  const directory = mkdtempSync(join(tmpdir(), 'moltbot-screens-'));
  // Commands find `./migrate` and `./healthcheck`, and leave nothing in the home of who takes the pictures.
  process.env['HOME'] = directory;
  process.chdir(join(import.meta.dirname, 'bin'));
  const { discord, page } = await startDemoDiscord({ channels });
  const lark = await startLark({
    tenants: {
      acme: {
        apps: { moltbot: { id: appId, secret: 'stand-in' } },
        users: { alice: {}, bob: {}, wei: { displayName: '王伟', locale: 'zh_cn' } },
        chats: { ops: {}, alerts: {} },
      },
    },
  });
  const demo = await createDemo(
    { config: await configOf({ discord, lark, directory }), log: silentLogger, processName: 'screens' },
    discord,
  );
  await demo.start();
  return {
    ...{ discord, lark, page, api: demo.api() },
    resetHealth: () => rmSync(join(directory, 'health'), { recursive: true }),
    async close() {
      await demo.quiesce(AbortSignal.timeout(10_000));
      await demo.stop();
      await Promise.all([discord.stop(), lark.stop()]);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function configOf(of: { readonly discord: TestDiscord; readonly lark: TestLark; readonly directory: string }) {
  const { discord, lark, directory } = of;
  const { platforms, notifications, ...config } = demoConfig({ discord, directory, more: hosts });
  const file = join(directory, 'config.json');
  const bot = { appId, appSecret: 'stand-in', api: lark.domain, groups: [lark.chatId('ops')] };
  const alerts = { kind: 'lark', options: { channel: lark.chatId('alerts') } };
  writeFileSync(
    file,
    JSON.stringify({
      ...config,
      platforms: { ...platforms, lark: { main: bot } },
      notifications: {
        ...notifications,
        channels: { ...notifications.channels, lark: alerts },
        routes: [{ to: ['ops', 'lark'] }],
      },
    }),
  );
  return (await loadConfig({ environment: { MOLTBOT_CONFIG: file }, cwd: directory })).config;
}
