import { randomBytes } from 'node:crypto';
import { type DiscordOptions, startDiscord, type TestDiscord } from '@moltbot/testkit';

/** The guild of the demo, and its channel for commands. */
export const demoGuild = 'demo';
export const demoChannel = 'ops';
/** Its members may give commands; Eve is not one of them. */
export const demoRole = 'operators';

export interface DemoDiscordOptions {
  /** 0, the default, picks a free one. */
  readonly port?: number;
  /** Beside one for commands and one for talk. */
  readonly channels?: NonNullable<NonNullable<DiscordOptions['guilds']>[string]['channels']>;
}

/** A chat server on 127.0.0.1 with people in it; nobody else on the machine can use it. */
export async function startDemoDiscord(options: DemoDiscordOptions = {}): Promise<DemoDiscord> {
  const { port = 0, channels = {} } = options;
  const topic = 'Commands begin with ! here, or with a mention of the bot';
  const pageKey = randomBytes(16).toString('hex');
  const discord = await startDiscord({
    ...{ port, pageKey, token: `demo.${randomBytes(16).toString('hex')}` },
    users: {
      alice: { displayName: 'Alice' },
      bob: { displayName: 'Bob' },
      wei: { displayName: '王伟', locale: 'zh-CN' },
      eve: { displayName: 'Eve (no operator)' },
    },
    guilds: {
      [demoGuild]: {
        channels: { [demoChannel]: { topic }, general: {}, ...channels },
        roles: { [demoRole]: { color: 0x3ba55d } },
        members: { alice: [demoRole], bob: [demoRole], wei: [demoRole], eve: [] },
      },
    },
    hints: [
      '!run on:local -- uname -a',
      '!run on:web-* -- uptime',
      '!run on:local -- for n in 1 2 3 4 5; do date; sleep 1; done',
      '!system.status on:local',
      '!demo.release on:env=prod version=1.4.2',
      '!help',
    ],
  });
  return { discord, page: `${discord.url}/?key=${pageKey}` };
}

export interface DemoDiscord {
  readonly discord: TestDiscord;
  /** Address of its page, with its key. */
  readonly page: string;
}
