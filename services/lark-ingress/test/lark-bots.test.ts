import { fileURLToPath } from 'node:url';
import { createEmbeddedBus } from '@moltbot/bus';
import { createIntake } from '@moltbot/intake';
import { loadPlugins } from '@moltbot/plugin-host';
import { createScheduleDesk } from '@moltbot/schedules';
import {
  createRegistry,
  type LarkConfig,
  silentLogger as log,
  type PlatformsConfig,
  type Service,
} from '@moltbot/shared';
import type { SqliteStore } from '@moltbot/store';
import { eventually, type TestLark } from '@moltbot/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { createLarkBots } from '../src/lark-bots.ts';
import { clock, configFor, openStore, startLab } from './lab.ts';

const registry = createRegistry('test');
const begin = async (service: Service): Promise<void> => {
  await service.start();
  onTestFinished(() => service.stop());
};

/** The whole way, but for who runs the commands. */
async function openDoor(lark: TestLark, more: Partial<LarkConfig> = {}): Promise<SqliteStore> {
  const store = await openStore();
  const bus = createEmbeddedBus({ journal: store.journal, clock, log });
  await begin(bus);
  const shell = fileURLToPath(new URL('../../../plugins/shell/src/index.ts', import.meta.url));
  const plugins = await loadPlugins([shell], (specifier) => import(specifier));
  const intake = createIntake({
    config: {
      tenants: { acme: { apiKeys: [] } },
      targets: [{ name: 'web-1', labels: {}, pool: 'default', tenant: 'acme', transport: 'local' }],
      limits: { requests: { perSecond: 1_000, burst: 1_000 }, targetsPerTask: 10 },
      executor: {
        ...{ pool: 'default', slots: 1, ops: { host: '127.0.0.1', port: 0 }, outputCapBytes: 1_000 },
        timeouts: { connectMs: 1_000, idleMs: 0, totalMs: 60_000, queueMs: 3_600_000 },
        watchAfterMs: 60_000,
      },
      guard: { directory: '~/.moltbot', retentionMs: 7_200_000 },
      callbacks: { allow: [], timeoutMs: 1_000, giveUpAfterMs: 1_000 },
    },
    ...{ bus, store, plugins, clock, log, registry },
  });
  await begin(intake);
  const schedules = createScheduleDesk({ store, intake, calendars: new Map(), channels: {}, clock, log });
  const platforms: PlatformsConfig = {
    ...{ staleAfterMs: 120_000, discord: {}, aliases: [], ops: { host: '127.0.0.1', port: 0 } },
    lark: { ops: configFor(lark, more) },
  };
  for (const bot of createLarkBots({ config: { platforms }, store, bus, intake, schedules, registry, clock, log }))
    await begin(bot);
  await eventually('the connection', () => lark.app().connections().length === 1);
  return store;
}

it('refuses a stranger, and runs the command of a member of a configured group', async () => {
  const chats = { ops: {}, admins: { members: ['alice'] } };
  const lark = await startLab({ tenants: { acme: { chats } } });
  const store = await openDoor(lark, { groups: [lark.chatId('admins')] });
  const answerTo = (id: string) =>
    eventually('the answer', () => lark.messages('ops').find(({ byBot, replyTo }) => byBot && replyTo === id));
  const refusal = await answerTo(lark.user('bob').say('ops', '!run on:web-1 -- uptime').id);
  expect(refusal.card).toMatchObject({ header: { template: 'red' } });
  const alice = lark.user('alice');
  const answer = await answerTo(alice.say('ops', '!run on:web-1 -- uptime').id);
  await eventually('the task', async () => (await store.listTasks('acme', { limit: 10 })).tasks.length === 1);

  // Nobody runs it here: it is cancelled in the queue, by its button.
  const cancel = await eventually('the button', () =>
    lark.message(answer.id)?.buttons.find(({ value }) => JSON.stringify(value).includes('cancel:')),
  );
  expect(await alice.press(answer.id, cancel.label)).toMatchObject({ ok: true });
  await eventually('the end', () => lark.message(answer.id)?.text.toLowerCase().includes('cancelled'));
  expect(lark.messages('ops').filter(({ byBot, type }) => byBot && type === 'interactive')).toHaveLength(2);
}, 25_000);
