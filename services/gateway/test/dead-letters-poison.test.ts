import { type Bus, createAmqpBus, type RunQueueRef } from '@moltbot/bus';
import { createDeadLetters } from '@moltbot/intake';
import {
  encodeEnvelope,
  envelope,
  isKind,
  newId,
  type RunOrder,
  runIdOf,
  Secret,
  silentLogger,
  systemClock,
} from '@moltbot/shared';
import { createRedisStore, createSqliteStore, type Store } from '@moltbot/store';
import { eventually, startRabbitmq, startRedis, type TestRabbitmq } from '@moltbot/testkit';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';

const queue: RunQueueRef = { kind: 'runs', pool: 'default', tenant: 'acme', priority: 'interactive' };
const principal = { tenant: 'acme', id: 'key:alice' };
const leaseMs = 500;

let rabbitmq: TestRabbitmq;
beforeAll(async () => {
  rabbitmq = await startRabbitmq();
});
afterAll(() => rabbitmq?.stop());

async function openBus(): Promise<Bus> {
  const bus = createAmqpBus({ url: new Secret(rabbitmq.url), name: 'test', log: silentLogger });
  await bus.start();
  onTestFinished(() => bus.stop());
  return bus;
}

async function openStore(): Promise<Store> {
  const retention = { tasksMs: 3_600_000, outputMs: 3_600_000 };
  const store = createSqliteStore({ file: ':memory:', retention, log: silentLogger });
  await store.start();
  onTestFinished(() => store.stop());
  return store;
}

/** Accepts a task of one run, as the door does. */
async function accept(bus: Bus, store: Store, command: string): Promise<RunOrder> {
  const id = newId();
  const limits = { connectMs: 1_000, idleMs: 0, totalMs: 60_000, queueMs: 0, deadlineMs: 0, outputBytes: 1_000 };
  const task = {
    ...({ id, action: 'shell.run', args: { command }, on: 'web-1', priority: 'interactive', runs: 1 } as const),
    ...({ limits, principal, origin: { kind: 'http', requestId: 'r' }, class: 'at-most-once', retries: 0 } as const),
    ...{ acceptedAt: Date.now(), trace: 't' },
  };
  const target = { name: 'web-1', labels: {}, pool: 'default', transport: 'local' } as const;
  const order = { runId: runIdOf(id, 0), index: 0, target, task };
  await store.acceptTask({ task, orders: [order] });
  const message = envelope('run', { tenant: 'acme', trace: 't', id: order.runId, at: task.acceptedAt, body: order });
  expect(await bus.publish(message, { queue })).toBe('ok');
  return order;
}

const claimOf = (store: Store, order: RunOrder) => {
  const request = { order, worker: newId(), leaseMs, redelivered: false, publishedAt: 0, start: true };
  return store.claimRun({ ...request, claimId: newId() });
};

/** A worker that takes several, starts the first that is poison, and dies of it with all of them in hand. */
async function crashOnce(store: Store, poison: RunOrder): Promise<void> {
  const bus = createAmqpBus({ url: new Secret(rabbitmq.url), name: 'crashing', log: silentLogger });
  await bus.start();
  const seen = new Set<string>();
  const hit = Promise.withResolvers<void>();
  await bus.consume(queue, { prefetch: 10 }, async ({ message }) => {
    seen.add(message.id);
    if (message.id === poison.runId) await claimOf(store, poison);
    if (seen.size === 6) hit.resolve();
  });
  await hit.promise;
  await bus.stop();
}

test('a run that kills its workers is ended and kept; those that waited beside it run, once each', async () => {
  const [bus, store] = [await openBus(), await openStore()];
  await bus.declare(queue);
  const poison = await accept(bus, store, 'poison');
  const innocent: RunOrder[] = [];
  for (let n = 0; n < 5; n += 1) innocent.push(await accept(bus, store, `innocent ${n}`));
  // 20 may come back, the 21st return is the death of all six.
  for (let n = 0; n < 21; n += 1) await crashOnce(store, poison);

  const executed: string[] = [];
  const worker = await openBus();
  await worker.consume(queue, { prefetch: 10 }, async (delivery) => {
    const { message } = delivery;
    if (!isKind(message, 'run')) throw new Error(message.kind);
    const claim = await claimOf(store, message.body);
    if (claim.verdict === 'run') {
      executed.push(message.id);
      await store.finishRun(claim.token, { state: 'succeeded', exitCode: 0 });
    }
    await delivery.ack();
  });
  const letters = createDeadLetters({
    ...{ bus: await openBus(), store, tenants: ['acme'], clock: systemClock, log: silentLogger },
    rerun: async () => Promise.reject(new Error('not asked for')),
  });
  await letters.start();
  onTestFinished(() => letters.stop());

  const stateOf = async ({ task }: RunOrder) => (await store.getRuns('acme', task.id))[0]?.state;
  await eventually('the innocent to have run', async () => {
    const states = await Promise.all(innocent.map(stateOf));
    return states.every((state) => state === 'succeeded');
  });
  const kept = await eventually('the letter', () => store.getDeadLetter('acme', poison.runId));
  const message = envelope('run', {
    tenant: 'acme',
    trace: 't',
    id: poison.runId,
    at: poison.task.acceptedAt,
    body: poison,
  });
  expect(kept).toMatchObject({ reason: 'delivery_limit', queue: 'runs/default/acme/interactive', kind: 'run' });
  expect(kept.bytes).toEqual(encodeEnvelope(message));
  // It started under a worker that is gone, and was at-most-once.
  expect(await stateOf(poison)).toBe('unknown');
  expect(executed.toSorted()).toEqual(innocent.map(({ runId }) => runId).toSorted());
  const { letters: shown } = await letters.list(principal, { limit: 10 });
  expect(shown.map(({ id }) => id)).toEqual([poison.runId]);
});

test('a run whose record was lost with the store is unknown: it may have run', async () => {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  const retention = { tasksMs: 3_600_000, outputMs: 3_600_000 };
  const store = createRedisStore({ url: new Secret(redis.url), retention, log: silentLogger });
  await store.start();
  onTestFinished(() => store.stop());
  const bus = await openBus();
  await bus.declare(queue);
  const order = await accept(bus, store, 'true');
  await redis.restartEmpty();
  const consumer = await bus.consume(queue, { prefetch: 1 }, async (delivery) => void (await delivery.dead('no use')));
  const letters = createDeadLetters({
    ...{ bus, store, tenants: ['acme'], clock: systemClock, log: silentLogger },
    rerun: async () => Promise.reject(new Error('not asked for')),
  });
  await letters.start();
  onTestFinished(() => letters.stop());
  const kept = await eventually('the letter', () => store.getDeadLetter('acme', order.runId));
  expect(kept).toMatchObject({ reason: 'no use', kind: 'run' });
  expect((await store.getRuns('acme', order.task.id))[0]).toMatchObject({
    state: 'unknown',
    error: { code: 'MOLT_RUN_LOST' },
  });
  await expect(letters.replay(principal, order.runId)).rejects.toMatchObject({ code: 'MOLT_CANNOT_REPLAY' });
  await consumer.cancel();
});
