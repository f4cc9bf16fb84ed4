import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Bus, createAmqpBus, createEmbeddedBus } from '@moltbot/bus';
import { chatNotifiers, createChatDesk } from '@moltbot/chat';
import { createExecutor, createLocalTransport, createSshTransport } from '@moltbot/executor';
import { createCallbacks, createFirstKeyFile, createGateway } from '@moltbot/gateway';
import { createDeadLetters, createIntake } from '@moltbot/intake';
import { createNotificationDesk, createNotifications } from '@moltbot/notify';
import { loadPlugins } from '@moltbot/plugin-host';
import { createScheduler } from '@moltbot/scheduler';
import { createScheduleDesk, loadCalendars } from '@moltbot/schedules';
import {
  systemClock as clock,
  composeServices,
  createRegistry,
  healthOf,
  type MainContext,
  MoltError,
  type Service,
} from '@moltbot/shared';
import { createRedisStore, createSqliteStore, type Store } from '@moltbot/store';

/** All services in one process, on the bus and store of the configuration: embedded unless it says otherwise. */
export async function createStandalone({ config, log, processName, say }: MainContext): Promise<Service> {
  const registry = createRegistry('standalone');
  const plugins = await loadPlugins(config.plugins, (specifier) => import(specifier));
  const { bus, store } = createPorts({ config, log, processName });
  const intake = createIntake({ config, bus, store, plugins, registry, clock, log });
  const { rerun } = intake;
  const tenants = Object.keys(config.tenants);
  const deadLetters = createDeadLetters({ bus, store, tenants, rerun, clock, log });
  const callbacks = createCallbacks({ bus, store, callbacks: config.callbacks, clock, log, registry });
  const { ssh, guard } = config;
  const transports = [
    createLocalTransport({ guard, log, clock }),
    createSshTransport({ ssh, guard, log, clock, registry }),
  ];
  const executor = createExecutor({
    config: config.executor,
    tenants,
    ...{ bus, store, plugins, transports, guard, registry, clock, log },
    worker: processName,
    isAlone: config.bus.kind === 'embedded',
  });
  const notifications = createNotifications({
    ...{ config: config.notifications, tenants, store, registry, clock, log },
    notifiers: [...plugins.notifiers, ...chatNotifiers({ store, clock, log })],
  });
  const scheduler = createScheduler({ config, bus, store, intake, notifications, registry, clock, log });
  const calendars = await loadCalendars(config.calendars);
  const { channels } = config.notifications;
  const schedules = createScheduleDesk({ store, intake, calendars, channels, clock, log });
  const bots = await createBots({ config, store, bus, intake, schedules, registry, clock, log });
  const parts = [store, bus, intake, deadLetters, callbacks, executor, scheduler];
  const gateway = createGateway({
    config: config.gateway,
    botName: config.bot.name,
    ...{ intake, deadLetters, schedules, store, registry, log, clock },
    notifications: createNotificationDesk({ config: config.notifications, store, clock, log }),
    chat: createChatDesk({ store, clock, log }),
    ready: () => healthOf(parts),
  });
  const firstKey = createFirstKeyFile({ config, store, clock, log, url: gateway.url, say });
  return composeServices('moltbot', [
    atStart('data-directory', () => mkdir(config.dataDir, { recursive: true, mode: 0o700 })),
    ...parts,
    ...bots,
    gateway,
    firstKey,
    atStart('ready-line', async () => say(`Moltbot is ready at ${gateway.url()} (API: ${gateway.url()}/docs)`)),
  ]);
}

type BotsDeps = Parameters<typeof import('@moltbot/discord-ingress')['createDiscordBots']>[0];

/** Loads the kits of the platforms that have bots alone: they are large, and a start without them is quick. */
async function createBots(deps: BotsDeps): Promise<readonly Service[]> {
  const { discord, lark } = deps.config.platforms;
  const bots: Service[] = [];
  if (Object.keys(discord).length > 0) bots.push(...(await import('@moltbot/discord-ingress')).createDiscordBots(deps));
  if (Object.keys(lark).length > 0) bots.push(...(await import('@moltbot/lark-ingress')).createLarkBots(deps));
  return bots;
}

function createPorts({ config, log, processName }: Omit<MainContext, 'say'>): {
  readonly bus: Bus;
  readonly store: Store;
} {
  const { retention } = config;
  if (config.store.kind === 'redis') {
    const store = createRedisStore({ url: config.store.url, retention, log });
    if (config.bus.kind === 'amqp')
      return { store, bus: createAmqpBus({ url: config.bus.url, name: processName, log }) };
    throw new MoltError('MOLT_BAD_CONFIG', 'the embedded bus keeps its messages in the embedded store', {
      remedy: 'Set bus.url (amqp://…) beside store.url, or neither.',
    });
  }
  const store = createSqliteStore({ file: join(config.dataDir, 'moltbot.db'), retention, log });
  if (config.bus.kind === 'amqp') return { store, bus: createAmqpBus({ url: config.bus.url, name: processName, log }) };
  return { store, bus: createEmbeddedBus({ journal: store.journal, log }) };
}

/** A part that only does something at its place in the start. */
const atStart = (name: string, work: () => Promise<unknown>): Service => ({
  name,
  async start() {
    await work();
  },
  quiesce: async () => {},
  stop: async () => {},
  health: () => ({ ok: true }),
});
