import { cannotListen, type Service } from '@moltbot/shared';
import { requireAdmission } from './admission.ts';
import type { App, GatewayContext, GatewayDeps } from './context.ts';
import { createHttpApp } from './http-app.ts';
import { createGatewayMetrics } from './metrics.ts';
import { actionRoutes } from './routes/actions.ts';
import { chatRoutes } from './routes/chat.ts';
import { dataRoutes } from './routes/data.ts';
import { deadLetterRoutes } from './routes/dead-letters.ts';
import { describeApi, docsRoutes } from './routes/docs.ts';
import { eventRoutes } from './routes/events.ts';
import { notificationRoutes } from './routes/notifications.ts';
import { opsRoutes } from './routes/ops.ts';
import { outputRoutes } from './routes/output.ts';
import { resolveRunRoute } from './routes/resolve-run.ts';
import { scheduleRoutes } from './routes/schedules.ts';
import { startTaskRoute } from './routes/start-task.ts';
import { targetRoutes } from './routes/targets.ts';
import { taskRoutes } from './routes/tasks.ts';
import { createTraffic } from './traffic.ts';
import { refuseUnknownParameters } from './unknown-parameters.ts';

/** Time the answers of hurried requests get to leave, once the grace time is over. */
const lastWordsMs = 1_000;

export interface Gateway extends Service {
  /** Where people of this host reach it, once started: `http://127.0.0.1:8420`. */
  url(): string;
  /** The port in use, once started. */
  port(): number;
}

/** The HTTP door: decodes requests for the intake, and shows what the store knows. @throws MOLT_BAD_CONFIG on start, when its address cannot be had */
export function createGateway(deps: GatewayDeps): Gateway {
  const context: GatewayContext = { ...deps, metrics: createGatewayMetrics(deps.registry), traffic: createTraffic() };
  const { traffic, config, log } = context;
  let app: App | undefined;
  return {
    name: 'gateway',
    async start() {
      app = await buildApp(context);
      await listen(app, config);
      log.info({ host: config.host, port: portOf(app) }, 'the gateway listens');
    },
    async quiesce(force) {
      traffic.drain();
      app?.server.close();
      if (await settles(traffic.idle(), force)) return;
      traffic.hurry();
      await settles(traffic.idle(), AbortSignal.timeout(lastWordsMs));
    },
    async stop() {
      traffic.drain();
      traffic.hurry();
      const current = app;
      app = undefined;
      await current?.close();
    },
    health() {
      if (traffic.draining()) return { ok: false, detail: 'the gateway is stopping' };
      return app?.server.listening ? { ok: true } : { ok: false, detail: 'the gateway does not listen' };
    },
    url: () => `http://${reachable(config.host)}:${app ? portOf(app) : config.port}`,
    port: () => (app ? portOf(app) : 0),
  };
}

const apiRoutes: readonly ((scope: App, context: GatewayContext) => void)[] = [
  ...[startTaskRoute, taskRoutes, resolveRunRoute, outputRoutes, dataRoutes, eventRoutes],
  ...[scheduleRoutes, targetRoutes, actionRoutes, deadLetterRoutes, notificationRoutes, chatRoutes],
];

async function buildApp(context: GatewayContext): Promise<App> {
  const app = createHttpApp(context);
  await describeApi(app, context);
  await app.register(
    async (scope: App) => {
      requireAdmission(scope, context);
      refuseUnknownParameters(scope);
      for (const add of apiRoutes) add(scope, context);
    },
    { prefix: '/v1' },
  );
  opsRoutes(app, context);
  await docsRoutes(app);
  return app;
}

async function listen(app: App, { host, port }: GatewayContext['config']): Promise<void> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    throw cannotListen(error, { section: 'gateway', host, port });
  }
}

/** True when `work` resolves before the signal aborts. */
async function settles(work: Promise<void>, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  const { promise: aborted, resolve } = Promise.withResolvers<false>();
  const onAbort = (): void => resolve(false);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work.then(() => true), aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** An address that means every address is none to go to. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}

function portOf(app: App): number {
  const address = app.server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
