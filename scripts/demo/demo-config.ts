import { join } from 'node:path';
import type { TestDiscord } from '@moltbot/testkit';
import { demoChannel, demoGuild, demoRole } from './demo-discord.ts';

/** This machine, under several names: there are no other hosts to show anything on. */
const hosts: readonly { readonly name: string; readonly labels: Readonly<Record<string, string>> }[] = [
  { name: 'local', labels: {} },
  ...[1, 2, 3].map((n) => ({ name: `web-${n}`, labels: { env: 'prod', role: 'web' } })),
  { name: 'web-canary', labels: { env: 'staging', role: 'web' } },
  { name: 'db-1', labels: { env: 'prod', role: 'db' } },
];

export interface DemoConfigOptions {
  readonly discord: TestDiscord;
  /** Everything that is kept lies there. */
  readonly directory: string;
  /** Names of more hosts. */
  readonly more?: readonly string[];
}

/** What others add to is told apart. */
interface DemoConfig extends Readonly<Record<string, unknown>> {
  readonly platforms: Readonly<Record<string, unknown>>;
  readonly notifications: Readonly<Record<string, unknown>> & { readonly channels: Readonly<Record<string, unknown>> };
}

/** A whole configuration for the demo, as config.yaml has it. */
export function demoConfig({ discord, directory, more = [] }: DemoConfigOptions): DemoConfig {
  const targets = [...hosts, ...more.map((name) => ({ name, labels: { fleet: 'edge' } }))];
  return {
    log: { level: 'warn' },
    dataDir: join(directory, 'data'),
    gateway: { port: 0 },
    guard: { directory: join(directory, 'guard') },
    shutdown: { grace: '10s', force: '2s' },
    plugins: ['@moltbot/plugin-shell', '@moltbot/plugin-system', join(import.meta.dirname, 'release-plugin.ts')],
    targets: targets.map((target) => ({ ...target, transport: 'local' })),
    notifications: {
      channels: { ops: { kind: 'discord', options: { channel: discord.channelId(demoChannel) } } },
      routes: [{ to: ['ops'] }],
      group: { wait: '1s' },
    },
    platforms: {
      discord: {
        main: {
          ...{ token: discord.token, api: discord.api, messageContent: true, directMessages: 'default' },
          guilds: { [discord.guildId(demoGuild)]: { roles: [discord.roleId(demoGuild, demoRole)] } },
        },
      },
      aliases: [
        {
          ...{ name: 'disk', action: 'shell.run', on: 'local', usage: 'PATH', args: { command: 'df -h {1}' } },
          summary: 'How full the disk of a path is.',
        },
      ],
    },
  };
}
