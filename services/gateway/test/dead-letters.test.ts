import { createEmbeddedBus } from '@moltbot/bus';
import { createDeadLetters, type DeadLetterDeps } from '@moltbot/intake';
import {
  createRegistry,
  encodeEnvelope,
  envelope,
  MoltError,
  newId,
  type Principal,
  type RunOrder,
  runIdOf,
  silentLogger,
  systemClock,
} from '@moltbot/shared';
import { createSqliteStore, type DeadLetter } from '@moltbot/store';
import { expect, onTestFinished, test } from 'vitest';
import { requireAdmission } from '../src/admission.ts';
import type { App } from '../src/context.ts';
import { createHttpApp } from '../src/http-app.ts';
import { createGatewayMetrics } from '../src/metrics.ts';
import { deadLetterRoutes } from '../src/routes/dead-letters.ts';
import { createTraffic } from '../src/traffic.ts';

const alice: Principal = { tenant: 'acme', id: 'key:alice' };
const newTask = newId();
const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

/** The routes over a real store and an embedded bus; whoever names a tenant as its key is of that tenant. */
async function openRoutes(rerun: DeadLetterDeps['rerun'] = async () => ({ taskId: newTask })) {
  const retention = { tasksMs: 3_600_000, outputMs: 3_600_000 };
  const store = createSqliteStore({ file: ':memory:', retention, log: silentLogger });
  const bus = createEmbeddedBus({ journal: store.journal, log: silentLogger });
  const deps = { bus, store, tenants: ['acme'], rerun, clock: systemClock, log: silentLogger };
  const deadLetters = createDeadLetters(deps);
  for (const service of [store, bus, deadLetters]) await service.start();
  const registry = createRegistry('gateway');
  const unused = async (): Promise<never> => Promise.reject(new Error('not asked for'));
  const context = {
    config: { host: '127.0.0.1', port: 0, bodyLimitBytes: 1_000, maxWaitMs: 1_000 },
    botName: 'Testbot',
    notifications: { list: unused, test: unused },
    schedules: {} as never,
    chat: {} as never,
    ...{ store, deadLetters, registry, log: silentLogger, clock: systemClock },
    intake: {
      authenticate: async (key: string | undefined): Promise<Principal> => {
        if (key === undefined) throw new MoltError('MOLT_KEY_MISSING', 'there is no Authorization header');
        return { ...alice, tenant: key };
      },
      admit: async () => ({ allowed: true, remaining: 1, retryAfterMs: 0, resetMs: 1 }),
      ...{
        submit: unused,
        rerun: unused,
        resolve: unused,
        cancel: unused,
        check: () => 'guarded' as const,
        targets: () => [],
        actions: () => [],
      },
    },
    ready: () => ({ ok: true }),
    metrics: createGatewayMetrics(registry),
    traffic: createTraffic(),
  };
  const app = createHttpApp(context);
  await app.register(
    async (scope: App) => {
      requireAdmission(scope, context);
      deadLetterRoutes(scope, context);
    },
    { prefix: '/v1' },
  );
  onTestFinished(async () => {
    await app.close();
    for (const service of [deadLetters, bus, store]) await service.stop();
  });
  const call = async (method: 'GET' | 'POST' | 'DELETE', path: string, tenant = 'acme') => {
    const answer = await app.inject({ method, url: `/v1/dead-letters${path}`, headers: { authorization: tenant } });
    return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() };
  };
  return { app, store, bus, call };
}

const letter = (more: Partial<DeadLetter> = {}): DeadLetter => ({
  ...{ id: newId(), tenant: 'acme', diedAt: 1_800_000_000_000, reason: 'no use', resubmitted: 0 },
  bytes: Buffer.from('garbage'),
  ...more,
});

function order(): RunOrder {
  const id = newId();
  const limits = { connectMs: 1_000, idleMs: 0, totalMs: 1_000, queueMs: 0, deadlineMs: 0, outputBytes: 1_000 };
  const origin = { kind: 'http', requestId: 'r', callback: { url: 'https://example.com/', secret } } as const;
  const task = {
    ...({ id, action: 'shell.run', args: { command: 'true' }, on: 'web-1', priority: 'interactive', runs: 1 } as const),
    ...({ limits, principal: alice, origin, class: 'guarded', retries: 0, acceptedAt: 1, trace: 't' } as const),
  };
  const target = { name: 'web-1', labels: {}, pool: 'default', transport: 'local' } as const;
  return { runId: runIdOf(id, 0), index: 0, target, task };
}

function letterOfRun(run: RunOrder): DeadLetter {
  const message = envelope('run', { tenant: 'acme', trace: 't', id: run.runId, at: 1, body: run });
  const queue = 'runs/default/acme/interactive';
  return letter({ id: run.runId, bytes: encodeEnvelope(message), kind: 'run', queue, resubmitted: 3 });
}

test('lists what died, page by page, without another tenant in it', async () => {
  const { store, call } = await openRoutes();
  for (let n = 0; n < 3; n += 1) await store.putDeadLetter(letter({ id: `l${n}`, diedAt: n * 1_000 }));
  await store.putDeadLetter(letter({ id: 'theirs', tenant: 'other' }));
  const first = await call('GET', '?limit=2');
  expect(first).toMatchObject({
    status: 200,
    body: {
      letters: [
        { id: 'l2', diedAt: '1970-01-01T00:00:02.000Z', reason: 'no use', resubmitted: 0, size: 7 },
        { id: 'l1' },
      ],
    },
  });
  const second = await call('GET', `?limit=2&cursor=${encodeURIComponent(String(first.body['cursor']))}`);
  expect(second.body).toMatchObject({ letters: [{ id: 'l0' }] });
  expect(second.body).not.toHaveProperty('cursor');
});

test('refuses a query that is none', async () => {
  const { call } = await openRoutes();
  for (const query of ['?limit=0', '?limit=201', '?cursor=x', '?state=dead']) {
    expect(await call('GET', query)).toMatchObject({ status: 400, body: { code: 'MOLT_BAD_REQUEST' } });
  }
  expect((await call('GET', '?cursor=x')).body).toMatchObject({ errors: [{ path: '/query/cursor' }] });
});

test('shows the message of a letter, and never a secret', async () => {
  const { store, call } = await openRoutes();
  const run = order();
  await store.putDeadLetter(letterOfRun(run));
  const { status, body } = await call('GET', `/${run.runId}`);
  expect(status).toBe(200);
  const expected = { kind: 'run', task: run.task.id, run: run.runId, queue: 'runs/default/acme/interactive' };
  expect(body).toMatchObject({
    ...expected,
    resubmitted: 3,
    message: { kind: 'run', body: { target: { name: 'web-1' } } },
  });
  expect(JSON.stringify(body)).toContain('https://example.com/');
  expect(JSON.stringify(body)).not.toContain('whsec_');
});

test('shows the bytes of what cannot be decoded', async () => {
  const { store, call } = await openRoutes();
  await store.putDeadLetter(letter({ id: 'odd', bytes: Buffer.from([0, 255, 1]) }));
  const { body } = await call('GET', '/odd');
  expect(body).toMatchObject({ id: 'odd', bytes: 'AP8B', size: 3 });
  expect(body).not.toHaveProperty('message');
  expect(body).not.toHaveProperty('kind');
});

test('replays a run that is open as a message, and one that never ran as a new task', async () => {
  const asked: unknown[] = [];
  const { store, bus, call } = await openRoutes(async (...given) => {
    asked.push(given.slice(0, 2));
    return { taskId: newTask };
  });
  await bus.declare({ kind: 'runs', pool: 'default', tenant: 'acme', priority: 'interactive' });
  const [open, dead] = [order(), order()];
  for (const run of [open, dead]) {
    await store.acceptTask({ task: run.task, orders: [run] });
    await store.putDeadLetter(letterOfRun(run));
  }
  await store.abandonRun(dead, { state: 'undeliverable' });
  expect(await call('POST', `/${open.runId}/replay`)).toEqual({ status: 202, body: { id: open.runId } });
  expect(await store.journal.count('runs.default.acme.interactive')).toBe(1);
  expect(asked).toEqual([]);
  expect(await call('POST', `/${dead.runId}/replay`)).toEqual({ status: 202, body: { id: dead.runId, task: newTask } });
  expect(asked).toEqual([[alice, dead]]);
  expect((await call('GET', '')).body).toEqual({ letters: [] });
  expect(await call('POST', `/${open.runId}/replay`)).toMatchObject({ status: 404 });
});

test('says why a letter cannot be replayed, and keeps it', async () => {
  const { store, call } = await openRoutes();
  await store.putDeadLetter(letter({ id: 'odd' }));
  expect(await call('POST', '/odd/replay')).toMatchObject({ status: 409, body: { code: 'MOLT_CANNOT_REPLAY' } });
  expect(await call('GET', '/odd')).toMatchObject({ status: 200 });
});

test('drops a letter once', async () => {
  const { store, call } = await openRoutes();
  await store.putDeadLetter(letter({ id: 'odd' }));
  expect(await call('DELETE', '/odd')).toEqual({ status: 200, body: { id: 'odd' } });
  expect(await call('DELETE', '/odd')).toMatchObject({ status: 404, body: { code: 'MOLT_NOT_FOUND' } });
});

test('a letter of another tenant is not there, in any way', async () => {
  const { store, call } = await openRoutes();
  await store.putDeadLetter(letter({ id: 'ours' }));
  for (const ask of [
    call('GET', '/ours', 'other'),
    call('DELETE', '/ours', 'other'),
    call('POST', '/ours/replay', 'other'),
  ])
    expect(await ask).toMatchObject({ status: 404, body: { code: 'MOLT_NOT_FOUND' } });
  expect(await call('GET', '/ours')).toMatchObject({ status: 200 });
});

test('asks for a key', async () => {
  const { app } = await openRoutes();
  expect((await app.inject({ method: 'GET', url: '/v1/dead-letters' })).statusCode).toBe(401);
});
