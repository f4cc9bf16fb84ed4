import { Agent, request } from 'node:http';
import { json } from 'node:stream/consumers';
import { createRegistry, type ServiceHealth, silentLogger, systemClock } from '@moltbot/shared';
import { checkServiceContract, eventually } from '@moltbot/testkit';
import { expect, test } from 'vitest';
import { createGateway } from '../src/gateway.ts';
import { createFixture, goodKey, problemOf } from './fixture.ts';

test('is a service', async () => {
  await using fixture = await createFixture();
  await checkServiceContract(() =>
    createGateway({
      config: { host: '127.0.0.1', port: 0, bodyLimitBytes: 1_000, maxWaitMs: 1_000 },
      botName: 'Testbot',
      // Never called: no request is made.
      intake: {} as never,
      deadLetters: {} as never,
      schedules: {} as never,
      chat: {} as never,
      notifications: {} as never,
      store: fixture.store,
      registry: createRegistry('gateway'),
      ready: () => ({ ok: true }),
      log: silentLogger,
      clock: systemClock,
    }),
  );
});

test('probes are open to all, and readiness follows the process', async () => {
  let now: ServiceHealth = { ok: true };
  await using gateway = await createFixture({ ready: () => now });
  const open = { headers: { authorization: '' } };
  expect(await (await gateway.call('/healthz', open)).json()).toEqual({ ok: true });
  expect((await gateway.call('/healthz', { ...open, method: 'HEAD' })).status).toBe(200);
  expect((await gateway.call('/readyz', open)).status).toBe(200);
  now = { ok: false, detail: 'bus: connecting' };
  const red = await gateway.call('/readyz', open);
  expect(red.status).toBe(503);
  expect(await red.json()).toEqual({ ok: false, detail: 'bus: connecting' });
});

test('figures: requests by route and class, tasks by action', async () => {
  await using gateway = await createFixture();
  await gateway.task();
  await gateway.call('/v1/tasks/00000000-0000-7000-8000-000000000000');
  await gateway.call('/no/such/place/1234');
  const metrics = await eventually('the figures', async () => {
    const text = await (await gateway.call('/metrics')).text();
    return text.includes('route="none"') && text;
  });
  expect(metrics).toMatch(/request_duration_seconds_count\{.*method="POST",route="\/v1\/tasks",status="2xx".*\} 1/);
  expect(metrics).toMatch(/request_duration_seconds_count\{.*method="GET",route="\/v1\/tasks\/:id",status="4xx".*\} 1/);
  expect(metrics).toMatch(/moltbot_tasks_accepted_total\{.*action="shell.run".*\} 1/);
  expect(metrics).not.toContain('1234');
});

test('while it stops: no new connections, no new tasks, and open connections are told to close', async () => {
  let admitted = 0;
  const admit = async () => {
    admitted += 1;
    return { allowed: true, remaining: 1, retryAfterMs: 0, resetMs: 0 };
  };
  await using gateway = await createFixture({ intake: { admit } });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const slow = gateway.post({ action: 'shell.run', args: {}, on: 'web-1' }, '?wait=30s');
  const id = await eventually(
    'the task',
    async () => (await gateway.store.listTasks('acme', { limit: 1 })).tasks[0]?.task.id,
  );
  // A request whose body is still on its way when the stop begins.
  const { port } = new URL(gateway.url);
  const upload = request({
    ...{ agent, port, host: '127.0.0.1', method: 'POST', path: '/v1/tasks' },
    headers: { authorization: goodKey, 'content-type': 'application/json' },
  });
  const answer = new Promise<Response>((resolve, reject) => {
    upload.once('error', reject);
    upload.once('response', async (got) => {
      const headers = got.headers as Record<string, string>;
      resolve(new Response(JSON.stringify(await json(got)), { status: got.statusCode ?? 0, headers }));
    });
  });
  upload.write('{"action":"shell.run",');
  await eventually('its arrival', () => admitted === 2);
  let settled = false;
  const quiesced = gateway.gateway.quiesce(AbortSignal.timeout(20_000)).then(() => {
    settled = true;
  });
  expect(gateway.gateway.health().ok).toBe(false);
  await expect(fetch(`${gateway.url}/healthz`, { headers: { connection: 'close' } })).rejects.toThrow();
  upload.end('"on":"web-1"}');
  const refused = await answer;
  expect(refused.status).toBe(503);
  expect(refused.headers.get('connection')).toBe('close');
  expect(await problemOf(refused)).toMatchObject({ code: 'MOLT_SHUTTING_DOWN' });
  expect(settled).toBe(false);
  await (await gateway.run(id)).finish();
  expect((await slow).status).toBe(200);
  await quiesced;
  agent.destroy();
});
