import { newId, Secret, silentLogger } from '@moltbot/shared';
import { eventually, startRedis, type TestRedis } from '@moltbot/testkit';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { createRedisStore, type Store, type TaskEnd } from '../src/index.ts';
import { createRedisClient, type RedisClient } from '../src/redis/client.ts';
import { keys } from '../src/redis/keys.ts';
import { storeConformance } from './conformance.ts';
import { claimOf, first, newTask } from './fixtures.ts';

let redis: TestRedis;
let admin: RedisClient;
beforeAll(async () => {
  redis = await startRedis();
  const nothing = () => {};
  const listeners = { onReady: nothing, onMessage: nothing, onListening: nothing };
  admin = createRedisClient({ url: new Secret(redis.url), log: silentLogger, ...listeners });
  await admin.start();
});
afterAll(async () => {
  await admin.stop();
  await redis.stop();
});

storeConformance(
  'the Redis store',
  (retention, lostAfterMs) =>
    createRedisStore({
      url: new Secret(redis.url),
      retention,
      log: silentLogger,
      lostAfterMs,
    }),
  async (store) => {
    await admin.command('FLUSHALL');
    return store;
  },
);

test.each([
  ['a listing', (store: Store) => store.listRecords({ tenant: 'left', kind: 'test.left' }, { limit: 10 })],
  ['the expiry', (store: Store) => store.expire()],
])('%s leaves nothing of the records that have expired', async (_what, clean) => {
  const retention = { tasksMs: 3_600_000, outputMs: 3_600_000 };
  const store = createRedisStore({ url: new Secret(redis.url), retention, log: silentLogger });
  await store.start();
  onTestFinished(() => store.stop());
  const names = ['a', 'b c', ''].map((id) => ({ tenant: 'left', kind: 'test.left', id }));
  for (const name of names) await store.putRecord(name, 'x', { keepMs: 1 });
  const ids = () => admin.command('ZRANGE', keys.records('left', 'test.left'), 0, -1);
  expect(await ids()).toEqual(['', 'a', 'b c']);
  await eventually('nothing is left', async () => {
    await clean(store);
    return JSON.stringify(await ids()) === '[]';
  });
  await store.expire();
  expect(await admin.command('EXISTS', keys.recordsExpiring('left'))).toBe(0);
});

test('a listing passes over a bounded number of expired records, and says that there may be more', async () => {
  const retention = { tasksMs: 3_600_000, outputMs: 3_600_000 };
  const store = createRedisStore({ url: new Secret(redis.url), retention, log: silentLogger });
  await store.start();
  onTestFinished(() => store.stop());
  const of = { tenant: 'many', kind: 'test.many' };
  const ids = Array.from({ length: 1_100 }, (_, n) => `a${String(n).padStart(4, '0')}`);
  await Promise.all(ids.map((id) => store.putRecord({ ...of, id }, 'x', { keepMs: 1 })));
  await store.putRecord({ ...of, id: 'b' }, 'there');
  await eventually('their time is over', async () => {
    const found = await Promise.all(ids.map((id) => store.getRecord({ ...of, id })));
    return found.every((record) => record === undefined);
  });
  const { records, cursor } = await store.listRecords(of, { limit: 1 });
  expect([records, cursor]).toEqual([[], 'a1001']);
  const rest = await store.listRecords(of, { limit: 1, cursor });
  expect(rest).toMatchObject({ records: [{ id: 'b', value: 'there' }] });
  expect(rest.cursor).toBeUndefined();
});

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

test('the end of a short run is told to all processes with its record; of a long one, or of several, that it ended', async () => {
  const retention = { tasksMs: 3_600_000, outputMs: 3_600_000 };
  const [ours, other] = [1, 2].map(() =>
    createRedisStore({ url: new Secret(redis.url), retention, log: silentLogger }),
  );
  if (!ours || !other) throw new Error('no store');
  await Promise.all([ours.start(), other.start()]);
  onTestFinished(async () => void (await Promise.all([ours.stop(), other.stop()])));
  // All are woken once it listens.
  await new Promise<unknown>((resolve) => other.watchEnd('acme', newId(), resolve));
  const told = async (runs: number, data: string): Promise<readonly (TaskEnd | undefined)[]> => {
    const task = newTask({ runs });
    const { id } = task.task;
    await ours.acceptTask(task);
    const seen: (TaskEnd | undefined)[] = [];
    const unwatch = other.watchEnd('acme', id, (end) => void seen.push(end));
    for (const order of task.orders) {
      const claim = await ours.claimRun(claimOf(order, { start: true }));
      if (claim.verdict !== 'run') throw new Error(claim.verdict);
      await ours.finishRun(claim.token, { state: 'succeeded', exitCode: 0, data });
    }
    await eventually('the end', () => seen.length > 0);
    unwatch();
    return seen;
  };
  const [end, ...more] = await told(1, 'short');
  expect(more).toEqual([]);
  expect(end).toMatchObject({ state: 'succeeded', runs: [{ exitCode: 0, data: 'short', stdoutBytes: 0 }] });
  await expect(told(1, 'x'.repeat(3_000))).resolves.toEqual([undefined]);
  await expect(told(2, 'short')).resolves.toEqual([undefined]);
});
