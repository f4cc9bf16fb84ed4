import { newId, Secret, silentLogger } from '@moltbot/shared';
import { startRedis, type TestRedis } from '@moltbot/testkit';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { createRedisStore } from '../src/index.ts';
import { storeConformance } from './conformance.ts';
import { claimOf, first, newTask } from './fixtures.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

storeConformance('the Redis store', (retention, lostAfterMs) =>
  createRedisStore({
    url: new Secret(redis.url),
    retention,
    log: silentLogger,
    lostAfterMs,
  }),
);

test('a task that another door was asked for again meanwhile is not withdrawn by the first', async () => {
  const retention = { tasksMs: 3_600_000, outputMs: 3_600_000 };
  const store = createRedisStore({ url: new Secret(redis.url), retention, log: silentLogger });
  await store.start();
  onTestFinished(() => store.stop());
  const task = { ...newTask(), idempotency: { key: newId(), requestHash: 'h' } };
  const error = { code: 'MOLT_STORE_DOWN', message: 'no answer', remedy: 'Ask again.' } as const;
  const { id } = task.task;
  expect(await store.acceptTask(task)).toEqual({ kind: 'new' });
  expect(await store.acceptTask(task)).toEqual({ kind: 'same', taskId: id });
  expect(await store.withdrawTask(task.task, error)).toBe('kept');
  expect(await store.acceptTask({ ...task, ...newTask() })).toEqual({ kind: 'same', taskId: id });
  expect(await store.getTask('acme', id)).toMatchObject({ state: 'queued' });
});

test.each([
  ['came for the first time', false, 'run'],
  ['was delivered before', true, 'lost'],
] as const)('a store that was emptied while it ran and a message that %s', async (_how, redelivered, verdict) => {
  const retention = { tasksMs: 3_600_000, outputMs: 3_600_000 };
  const store = createRedisStore({ url: new Secret(redis.url), retention, log: silentLogger });
  await store.start();
  onTestFinished(() => store.stop());
  const { orders } = newTask();
  const claim = { ...claimOf(first(orders)), redelivered, publishedAt: Date.now() + 60_000 };
  const held = await store.claimRun(claim);
  expect(held).toMatchObject({ verdict, attempt: 1 });
  expect(await store.claimRun(claim)).toEqual(held);
});
