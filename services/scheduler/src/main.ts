import { createAmqpBus } from '@moltbot/bus';
import { chatNotifiers } from '@moltbot/chat';
import { createIntake } from '@moltbot/intake';
import { createNotifications } from '@moltbot/notify';
import { loadPlugins } from '@moltbot/plugin-host';
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
import { createScheduler } from './scheduler.ts';

await runMain('scheduler', async ({ config, log, processName }) => {
  const urls = requireDistributed(config);
  const registry = createRegistry('scheduler');
  const plugins = await loadPlugins(config.plugins, (specifier) => import(specifier));
  const store = createRedisStore({ url: urls.store, retention: config.retention, log });
  const bus = createAmqpBus({ url: urls.bus, name: processName, log });
  const notifications = createNotifications({
    ...{ config: config.notifications, tenants: Object.keys(config.tenants) },
    notifiers: [...plugins.notifiers, ...chatNotifiers({ store, clock, log })],
    ...{ store, registry, clock, log },
  });
  const intake = createIntake({ config, bus, store, plugins, registry, clock, log });
  const scheduler = createScheduler({ config, bus, store, intake, notifications, registry, clock, log });
  const parts = [store, bus, intake, scheduler];
  const ops = createOpsServer({ ...config.scheduler.ops, registry, ready: () => healthOf(parts) });
  return composeServices('scheduler', [...parts, ops]);
});
