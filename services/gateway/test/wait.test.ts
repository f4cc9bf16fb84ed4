import { eventually } from '@moltbot/testkit';
import { afterEach, expect, test } from 'vitest';
import { createFixture, type Fixture, type FixtureOptions, problemOf, storeDown } from './fixture.ts';

const request = { action: 'shell.run', args: { command: 'uptime' }, on: 'web-1' };

let gateway: Fixture;
const start = async (options: FixtureOptions = {}): Promise<Fixture> => {
  gateway = await createFixture(options);
  return gateway;
};
afterEach(() => gateway[Symbol.asyncDispose]());

const openWaits = async (): Promise<number> =>
  Number(/moltbot_waits_open\{[^}]*\} (\d+)/.exec(await gateway.registry.metrics())?.[1]);

/** The id of the task that the n-th submission made. */
const accepted = (count: number): Promise<string[]> =>
  eventually(`${count} tasks`, async () => {
    const { tasks } = await gateway.store.listTasks('acme', { limit: 1_000 });
    return tasks.length === count ? tasks.map(({ task }) => task.id) : undefined;
  });

test('answers with the whole task as soon as it ends', async () => {
  await start();
  const answer = gateway.post(request, '?wait=30s');
  const [id = ''] = await accepted(1);
  const run = await gateway.run(id);
  await run.append('stdout', 'up 3 days');
  await run.finish();
  const began = performance.now();
  const response = await answer;
  expect(performance.now() - began).toBeLessThan(5_000);
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({ id, state: 'succeeded', runs: [{ stdout: 'up 3 days', exitCode: 0 }] });
  expect(await openWaits()).toBe(0);
});

test('finds the end by itself when no wake-up comes', async () => {
  await start({ reader: (store) => ({ ...store, watchEnd: () => () => {} }) });
  const answer = gateway.post(request, '?wait=20s');
  const [id = ''] = await accepted(1);
  await (await gateway.run(id)).finish();
  expect((await answer).status).toBe(200);
});

test('answers 202 with the state when the time is over, and never waits longer than configured', async () => {
  await start({ config: { maxWaitMs: 300 } });
  const response = await gateway.post(request, '?wait=1h');
  expect(response.status).toBe(202);
  expect(await response.json()).toMatchObject({ state: 'queued', links: {} });
});

test('an accepted task is answered 202 even when the store goes down meanwhile', async () => {
  await start({ reader: (store) => ({ ...store, getTask: storeDown }) });
  const response = await gateway.post(request, '?wait=200ms');
  expect(response.status).toBe(202);
  expect(await response.json()).toMatchObject({ state: 'queued' });
});

test('a client that leaves releases its wait', async () => {
  await start();
  const leave = new AbortController();
  const answer = gateway.call('/v1/tasks?wait=30s', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
    signal: leave.signal,
  });
  await eventually('the wait', async () => (await openWaits()) === 1);
  leave.abort();
  await expect(answer).rejects.toThrow();
  await eventually('its release', async () => (await openWaits()) === 0);
});

test('a stopping gateway finishes waits, and cuts them short when it must', async () => {
  await start();
  const answers = [gateway.post(request, '?wait=30s'), gateway.post(request, '?wait=30s')];
  const [first = ''] = await accepted(2);
  await eventually('both waits', async () => (await openWaits()) === 2);
  const force = new AbortController();
  const quiesced = gateway.gateway.quiesce(force.signal);
  await (await gateway.run(first)).finish();
  const done = await Promise.race(answers);
  expect(done.status).toBe(200);
  expect(done.headers.get('connection')).toBe('close');
  force.abort();
  await quiesced;
  const statuses = await Promise.all(answers.map(async (each) => (await each).status));
  expect(statuses.sort()).toEqual([200, 202]);
});

test('500 clients wait at the same time', async () => {
  await start();
  const answers = Array.from({ length: 500 }, () => gateway.post(request, '?wait=60s'));
  const ids = await accepted(500);
  await eventually('all waits', async () => (await openWaits()) === 500);
  for (const id of ids) await (await gateway.run(id)).finish();
  const statuses = await Promise.all(answers.map(async (each) => (await each).status));
  expect(new Set(statuses)).toEqual(new Set([200]));
  expect(await openWaits()).toBe(0);
});

test('a talkative task is looked at now and then, not at every line', async () => {
  let reads = 0;
  await start({
    reader: (store) => ({
      ...store,
      getTask: (...args) => {
        reads += 1;
        return store.getTask(...args);
      },
    }),
  });
  const answer = gateway.post(request, '?wait=30s');
  const [id = ''] = await accepted(1);
  const run = await gateway.run(id);
  for (let line = 0; line < 1_000; line += 1) await run.append('stdout', 'x');
  await run.finish();
  expect((await answer).status).toBe(200);
  expect(reads).toBeLessThan(200);
});

test.each(['soon', '30', '-1s', ''])('refuses ?wait=%s', async (wait) => {
  await start();
  const response = await gateway.post(request, `?wait=${wait}`);
  expect(response.status).toBe(400);
  expect(await problemOf(response)).toMatchObject({ code: 'MOLT_BAD_REQUEST', errors: [{ path: '/query/wait' }] });
});

test('answers with the end that it is told, without asking for it', async () => {
  let isDown = true;
  await start({
    reader: (store) => ({
      ...store,
      // However long it takes, and however often it is looked meanwhile: by asking nothing is found.
      getTask: (tenant, id) => (isDown ? storeDown() : store.getTask(tenant, id)),
      watchEnd: (tenant, id, wake) =>
        store.watchTask(tenant, id, async () => {
          const [record, runs] = await Promise.all([store.getTask(tenant, id), store.getRuns(tenant, id)]);
          if (record?.finishedAt !== undefined) wake({ ...record, runs });
        }),
    }),
  });
  const answer = gateway.post(request, '?wait=20s');
  const [id = ''] = await accepted(1);
  const run = await gateway.run(id);
  await run.append('stdout', 'words');
  await run.finish({ state: 'failed', exitCode: 4 });
  const response = await answer;
  expect(response.status).toBe(200);
  const told = await response.json();
  isDown = false;
  expect(told).toMatchObject({ id, state: 'failed', runs: [{ exitCode: 4, stdout: 'words' }] });
  expect(told).toEqual(await (await gateway.call(`/v1/tasks/${id}`)).json());
});
