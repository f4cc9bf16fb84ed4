import { type Bus, createAmqpBus, type DeadDelivery } from '@moltbot/bus';
import { newId, replyIdOf, Secret, silentLogger } from '@moltbot/shared';
import { createSqliteStore, type SqliteStore } from '@moltbot/store';
import { eventually, startRabbitmq, type TestRabbitmq } from '@moltbot/testkit';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import {
  clockThatEndsWhen,
  createDeliverer,
  type Deliverer,
  type DelivererOptions,
  newTask,
  queue,
  replyMessage,
  startReceiver,
} from './callbacks-lab.ts';

let rabbitmq: TestRabbitmq;
let store: SqliteStore;
beforeAll(async () => {
  rabbitmq = await startRabbitmq();
  store = createSqliteStore({
    ...{ file: ':memory:', retention: { tasksMs: 3_600_000, outputMs: 3_600_000 }, log: silentLogger },
  });
  await store.start();
});
afterAll(async () => {
  await store.stop();
  await rabbitmq.stop();
});

/** Buses of processes of their own on one vhost, with a short ladder. */
async function openVhost(): Promise<() => Promise<Bus>> {
  const url = new Secret(await rabbitmq.vhost(newId()));
  return async () => {
    const delays = { '5s': 200, '30s': 300, '2m': 400, '10m': 500 };
    const bus = createAmqpBus({ url, name: 'test', log: silentLogger, delays });
    onTestFinished(() => bus.stop());
    await bus.start();
    return bus;
  };
}

async function startDeliverer(bus: Bus, options: DelivererOptions = {}): Promise<Deliverer> {
  const deliverer = createDeliverer({ bus, store }, options);
  await deliverer.service.start();
  return deliverer;
}

const publishAll = async (bus: Bus, urls: readonly string[]): Promise<ReadonlySet<string>> => {
  const messages = urls.map((url) => replyMessage(newTask(url)));
  for (const message of messages) expect(await bus.publish(message, { queue })).toBe('ok');
  return new Set(messages.map(({ body }) => replyIdOf(body.task.id)));
};

test('over RabbitMQ: what one process leaves behind, and what fails, another delivers, each under its one id', async () => {
  const newBus = await openVhost();
  const failed = new Set<unknown>();
  const receiver = await startReceiver(({ headers }, response, nth) => {
    const id = headers['webhook-id'];
    const fails = nth % 3 === 0 && !failed.has(id);
    if (fails) failed.add(id);
    response.writeHead(fails ? 500 : 204).end();
  });
  const [door, dying] = [await newBus(), await newBus()];
  await door.declare(queue);
  await startDeliverer(dying);
  const ids = await publishAll(
    door,
    Array.from({ length: 120 }, () => receiver.url),
  );
  await eventually('the first to be posted', () => receiver.posts.length > 10);
  await dying.stop();
  const survivor = await startDeliverer(await newBus());
  await eventually('all to be taken', () => receiver.ids().size === 120);
  await eventually('the failed to be posted again', () =>
    [...failed].every((id) => receiver.posts.filter(({ headers }) => headers['webhook-id'] === id).length > 1),
  );
  expect(receiver.ids()).toEqual(ids);
  await survivor.service.quiesce(new AbortController().signal);
  const noted = await Promise.all([...ids].map((id) => store.wasDelivered('acme', id)));
  expect(noted.filter((isNoted) => !isNoted)).toHaveLength(0);
});

test('over RabbitMQ: what is given up lies in the dead queue, with its tries and its reason', async () => {
  const newBus = await openVhost();
  const receiver = await startReceiver((_post, response) => void response.writeHead(503).end());
  const bus = await newBus();
  await bus.declare(queue);
  await startDeliverer(bus, { clock: clockThatEndsWhen(() => receiver.posts.length > 2) });
  const ids = await publishAll(bus, [receiver.url]);
  const letters: DeadDelivery[] = [];
  await bus.consumeDead({ prefetch: 1 }, async (letter) => {
    letters.push(letter);
    await letter.ack();
  });
  await eventually('the dead letter', () => letters.length > 0);
  const [letter] = letters;
  expect(letter).toMatchObject({ reason: 'MOLT_CALLBACK_FAILED: 503', queue, id: [...ids][0] });
  expect(letter?.message?.body).toMatchObject({ tries: receiver.posts.length - 1 });
  expect(receiver.posts.length).toBeGreaterThan(2);
});
