import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { composeServices, type MainContext, type Service } from '@moltbot/shared';
import { createStandalone } from '@moltbot/standalone';
import { type ApiClient, createApiClient, eventually, type TestDiscord } from '@moltbot/testkit';
import { demoGuild } from './demo-discord.ts';
import { endTasks } from './end-tasks.ts';

export interface Demo extends Service {
  /** Of its own Moltbot; there once it has started. */
  api(): ApiClient;
}

/** Moltbot with its bot in the chat. Once it has started, the bot hears; when it ends, no command of it runs on. */
export async function createDemo(context: Omit<MainContext, 'say'>, discord: TestDiscord): Promise<Demo> {
  const lines: string[] = [];
  const moltbot = await createStandalone({ ...context, say: (line) => lines.push(line) });
  const api = (): ApiClient => {
    const url = lines.map((line) => /^Moltbot is ready at (\S+)/.exec(line)?.[1]).find(Boolean);
    return createApiClient(url ?? '', readFileSync(join(context.config.dataDir, 'api-key'), 'utf8').trim());
  };
  const hears = (): boolean => discord.sessions().some(({ connected }) => connected);
  const people: Service = {
    name: 'people',
    async start() {
      await eventually('the bot is in the chat', () => hears() && discord.commands(demoGuild).length > 0);
      await linkAlice(api(), discord);
    },
    quiesce: () => endTasks(api()),
    stop: () => Promise.resolve(),
    health: () => ({ ok: true }),
  };
  return { ...composeServices('demo', [moltbot, people]), api };
}

/** No role says who writes a direct message. */
async function linkAlice(api: ApiClient, discord: TestDiscord): Promise<void> {
  const { body } = await api.post<{ send: string }>('/v1/chat/codes', { name: 'alice' });
  discord.user('alice').dm(body.send);
}
