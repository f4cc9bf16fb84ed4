import { createNotificationDesk, createNotifications } from '@moltbot/notify';
import {
  createRegistry,
  MoltError,
  type NotificationsConfig,
  type Principal,
  silentLogger,
  systemClock,
} from '@moltbot/shared';
import { createSqliteStore, type SqliteStore } from '@moltbot/store';
import { onTestFinished } from 'vitest';
import { requireAdmission } from '../src/admission.ts';
import type { App } from '../src/context.ts';
import { createHttpApp } from '../src/http-app.ts';
import { createGatewayMetrics } from '../src/metrics.ts';
import { notificationRoutes } from '../src/routes/notifications.ts';
import { createTraffic } from '../src/traffic.ts';

export interface NotificationsLab {
  readonly store: SqliteStore;
  call(
    method: 'GET' | 'POST',
    path: string,
    options?: { readonly body?: object; readonly tenant?: string },
  ): Promise<{ readonly status: number; readonly body: Record<string, unknown> }>;
  /** Over HTTP, too; resolves with the address. */
  listen(): Promise<string>;
}

/** The routes over a real store; whoever names a tenant as its key is of that tenant. */
export async function openNotificationRoutes({
  config,
  isLed = true,
}: {
  readonly config: NotificationsConfig;
  readonly isLed?: boolean;
}): Promise<NotificationsLab> {
  const retention = { tasksMs: 3_600_000, outputMs: 3_600_000 };
  const store = createSqliteStore({ file: ':memory:', retention, log: silentLogger });
  await store.start();
  const registry = createRegistry('gateway');
  const deps = { config, store, clock: systemClock, log: silentLogger };
  const leader = createNotifications({ ...deps, tenants: ['acme', 'globex', 'default'], notifiers: [], registry });
  const unused = async (): Promise<never> => Promise.reject(new Error('not asked for'));
  const context = {
    config: { host: '127.0.0.1', port: 0, bodyLimitBytes: 1_000, maxWaitMs: 5_000 },
    botName: 'Testbot',
    ...{ store, registry, log: silentLogger, clock: systemClock, notifications: createNotificationDesk(deps) },
    schedules: {} as never,
    chat: {} as never,
    deadLetters: { list: unused, get: unused, replay: unused, drop: unused },
    intake: {
      authenticate: async (header: string | undefined): Promise<Principal> => {
        const key = header?.replace('Bearer ', '');
        if (key === undefined) throw new MoltError('MOLT_KEY_MISSING', 'there is no Authorization header');
        return { tenant: key, id: 'key:alice' };
      },
      admit: async () => ({ allowed: true, remaining: 1, retryAfterMs: 0, resetMs: 1 }),
      ...{ submit: unused, rerun: unused, resolve: unused, cancel: unused, check: () => 'guarded' as const },
      ...{ targets: () => [], actions: () => [] },
    },
    ready: () => ({ ok: true }),
    metrics: createGatewayMetrics(registry),
    traffic: createTraffic(),
  };
  const app = createHttpApp(context);
  await app.register(
    async (scope: App) => {
      requireAdmission(scope, context);
      notificationRoutes(scope, context);
    },
    { prefix: '/v1' },
  );
  const end = new AbortController();
  const led = (async () => {
    while (isLed && !end.signal.aborted) {
      await leader.deliverDue(end.signal);
      await systemClock.sleep(20, end.signal).catch(() => {});
    }
  })();
  onTestFinished(async () => {
    end.abort();
    await led;
    await app.close();
    await leader.close();
    await store.stop();
  });
  const call: NotificationsLab['call'] = async (method, path, { body, tenant = 'acme' } = {}) => {
    const headers = { authorization: tenant, ...(body && { 'content-type': 'application/json' }) };
    const answer = await app.inject({
      method,
      url: `/v1/notifications${path}`,
      headers,
      ...(body && { payload: body }),
    });
    return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() };
  };
  return {
    ...{ store, call },
    listen: () => app.listen({ host: '127.0.0.1', port: 0 }),
  };
}
