import { newId, type RunOrder, type RunOutcome, Secret, silentLogger } from '@moltbot/shared';
import { eventually, startRedis, type TestRedis } from '@moltbot/testkit';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import {
  createRedisStore,
  type NewTask,
  type OutputRest,
  type RunToken,
  type Store,
  type TaskEnd,
} from '../src/index.ts';
import { createRedisClient, type RedisClient } from '../src/redis/client.ts';
import { keys } from '../src/redis/keys.ts';
import { storeConformance } from './conformance.ts';
import { claimOf, first, newTask, stderr, stdout } from './fixtures.ts';

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

describe('the end of a task, told to all processes', () => {
  const retention = { tasksMs: 3_600_000, outputMs: 3_600_000 };
  const open = () => createRedisStore({ url: new Secret(redis.url), retention, log: silentLogger });
  let ours: Store;
  let other: Store;
  beforeAll(async () => {
    [ours, other] = [open(), open()];
    await Promise.all([ours.start(), other.start()]);
    // All are woken once it listens.
    await new Promise<unknown>((resolve) => other.watchEnd('acme', newId(), resolve));
  });
  afterAll(async () => void (await Promise.all([ours.stop(), other.stop()])));

  const startOf = async (order: RunOrder): Promise<RunToken> => {
    const claim = await ours.claimRun(claimOf(order, { start: true, worker: 'wü' }));
    if (claim.verdict !== 'run') throw new Error(claim.verdict);
    return claim.token;
  };
  /** What two who wait are told when all runs have ended. */
  const told = async ({ task, orders }: NewTask, outcome: RunOutcome, rest?: OutputRest) => {
    const seen: (TaskEnd | undefined)[][] = [[], []];
    const unwatch = seen.map((ends) => other.watchEnd('acme', task.id, (end) => void ends.push(end)));
    for (const order of orders) {
      const token = await startOf(order);
      if (outcome.state === 'cancelled') await ours.requestCancel('acme', task.id);
      expect(await ours.finishRun(token, outcome, rest)).toBe('ok');
    }
    await eventually('the end', () => seen.every(({ length }) => length > 0));
    for (const stop of unwatch) stop();
    return seen;
  };
  const answerOf = async ({ task }: NewTask): Promise<TaskEnd> => {
    const { task: _task, ...standing } = (await ours.getTask('acme', task.id)) ?? {};
    return { ...standing, runs: await ours.getRuns('acme', task.id) } as TaskEnd;
  };

  const everyCharacter = `${Array.from({ length: 0x180 }, (_, code) => String.fromCharCode(code)).join('')}\u2028\u2029😀\ud800`;
  const error = { code: 'MOLT_RUN_TIMEOUT', message: everyCharacter.slice(0, 100), remedy: '/\\"' } as const;
  const outcomes: readonly RunOutcome[] = [
    ...[everyCharacter, '', null, 0, false, [], 1e21, { list: [1, null] }].map(
      (data) => ({ state: 'succeeded', exitCode: 0, data }) as const,
    ),
    { state: 'failed', exitCode: 255, truncated: true, signal: 'TERM', error },
    ...[{ state: 'timed-out', error } as const, { state: 'unknown' } as const, { state: 'cancelled' } as const],
  ];
  test.each(outcomes.flatMap((outcome) => [0, 2].map((retries) => ({ outcome, retries }))))(
    'is that of a run of one task, as it would be read: $outcome.state after $retries more attempts',
    async ({ outcome, retries }) => {
      const task = newTask();
      await ours.acceptTask(task);
      for (let attempt = 0; attempt < retries; attempt += 1) {
        const rest = { at: attempt * 3, chunks: [stdout('abc')] };
        await ours.retryRun(await startOf(first(task.orders)), { error, delayMs: 0, rest });
      }
      const seen = await told(task, outcome, { at: retries * 3, chunks: [stdout('out'), stderr('e')] });
      const now = await answerOf(task);
      for (const ends of seen) expect(ends).toStrictEqual([now]);
    },
  );

  test.each([
    ['of a run with much to tell', newTask(), 'x'.repeat(3_000)],
    ['of several runs', newTask({ runs: 2 }), 'short'],
  ])('%s is told without it', async (_what, task, data) => {
    await ours.acceptTask(task);
    expect(await told(task, { state: 'succeeded', exitCode: 0, data })).toEqual([[undefined], [undefined]]);
  });
});
