import { createAmqpBus } from '@moltbot/bus';
import { createIntake } from '@moltbot/intake';
import { loadPlugins } from '@moltbot/plugin-host';
import { createScheduleDesk, loadCalendars } from '@moltbot/schedules';
import {
  systemClock as clock,
  composeServices,
  createOpsServer,
  createRegistry,
  healthOf,
  requireDistributed,
  runMain,
} from '@moltbot/shared';
import { createRedisStore } from '@moltbot/store';
import { createDiscordBots } from './discord-bots.ts';

await runMain('discord-ingress', async ({ config, log, processName }) => {
  const urls = requireDistributed(config);
  const registry = createRegistry('discord-ingress');
  const calendars = await loadCalendars(config.calendars);
  const plugins = await loadPlugins(config.plugins, (specifier) => import(specifier));
  const store = createRedisStore({ url: urls.store, retention: config.retention, log });
  const bus = createAmqpBus({ url: urls.bus, name: processName, log });
  const intake = createIntake({ config, bus, store, plugins, registry, clock, log });
  const { channels } = config.notifications;
  const schedules = createScheduleDesk({ store, intake, calendars, channels, clock, log });
  const bots = createDiscordBots({ config, store, bus, intake, schedules, registry, clock, log });
  const parts = [store, bus, intake, ...bots];
  const ops = createOpsServer({ ...config.platforms.ops, registry, ready: () => healthOf(parts) });
  return composeServices('discord-ingress', [...parts, ops]);
});
