import { createAmqpBus } from '@moltbot/bus';
import { createChatDesk } from '@moltbot/chat';
import { createDeadLetters, createIntake } from '@moltbot/intake';
import { createNotificationDesk } from '@moltbot/notify';
import { loadPlugins } from '@moltbot/plugin-host';
import { createScheduleDesk, loadCalendars } from '@moltbot/schedules';
import {
  systemClock as clock,
  composeServices,
  createRegistry,
  healthOf,
  requireDistributed,
  runMain,
} from '@moltbot/shared';
import { createRedisStore } from '@moltbot/store';
import { createCallbacks } from './callbacks/callbacks.ts';
import { createFirstKeyFile } from './first-key-file.ts';
import { createGateway } from './gateway.ts';

await runMain('gateway', async ({ config, log, processName, say }) => {
  const urls = requireDistributed(config);
  const registry = createRegistry('gateway');
  const plugins = await loadPlugins(config.plugins, (specifier) => import(specifier));
  const store = createRedisStore({ url: urls.store, retention: config.retention, log });
  const bus = createAmqpBus({ url: urls.bus, name: processName, log });
  const intake = createIntake({ config, bus, store, plugins, registry, clock, log });
  const { rerun } = intake;
  const deadLetters = createDeadLetters({ bus, store, tenants: Object.keys(config.tenants), rerun, clock, log });
  const callbacks = createCallbacks({ bus, store, callbacks: config.callbacks, clock, log, registry });
  const parts = [store, bus, intake, deadLetters, callbacks];
  const ready = () => healthOf(parts);
  const calendars = await loadCalendars(config.calendars);
  const gateway = createGateway({
    config: config.gateway,
    botName: config.bot.name,
    intake,
    deadLetters,
    schedules: createScheduleDesk({ store, intake, calendars, channels: config.notifications.channels, clock, log }),
    notifications: createNotificationDesk({ config: config.notifications, store, clock, log }),
    chat: createChatDesk({ store, clock, log }),
    store,
    registry,
    ready,
    log,
    clock,
  });
  return composeServices('gateway', [
    ...parts,
    gateway,
    createFirstKeyFile({ config, store, clock, log, url: gateway.url, say }),
  ]);
});
