import { createAmqpBus } from '@moltbot/bus';
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
import { createExecutor } from './executor.ts';
import { createLocalTransport, createSshTransport } from './transports/index.ts';

await runMain('executor', async ({ config, log, processName }) => {
  const urls = requireDistributed(config);
  const registry = createRegistry('executor');
  const plugins = await loadPlugins(config.plugins, (specifier) => import(specifier));
  const store = createRedisStore({ url: urls.store, retention: config.retention, log });
  const bus = createAmqpBus({ url: urls.bus, name: processName, log });
  const { ssh, guard } = config;
  const transports = [
    createLocalTransport({ guard, log, clock }),
    createSshTransport({ ssh, guard, log, clock, registry }),
  ];
  const tenants = Object.keys(config.tenants);
  const { executor: settings } = config;
  const executor = createExecutor({
    config: settings,
    tenants,
    bus,
    store,
    plugins,
    transports,
    registry,
    clock,
    log,
    guard,
    worker: processName,
  });
  const parts = [store, bus, executor];
  const ops = createOpsServer({ ...settings.ops, registry, ready: () => healthOf(parts) });
  return composeServices('executor', [...parts, ops]);
});
