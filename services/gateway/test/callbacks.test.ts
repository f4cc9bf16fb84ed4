import { readFile } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { createLogger, envelope, MoltError, newId, replyIdOf, runIdOf, systemClock } from '@moltbot/shared';
import { eventually, freePort } from '@moltbot/testkit';
import { Webhook } from 'standardwebhooks';
import { expect, test } from 'vitest';
import type { CallbacksDeps } from '../src/callbacks/callbacks.ts';
import {
  type CallbacksLab,
  clockThatEndsWhen,
  createDeliverer,
  newTask,
  openCallbacksLab,
  type Receiver,
  replyMessage,
  secret,
  startReceiver,
} from './callbacks-lab.ts';

const posted = (receiver: Receiver, count = 1): Promise<boolean> =>
  eventually(`${count} posts`, () => receiver.posts.length >= count);

const stringsOf = (headers: IncomingHttpHeaders = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));

async function gatewayVersion(): Promise<unknown> {
  const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
  return version;
}

/** A turn of the event loop: what quiesces has taken its steps, and waits for posts alone. */
const untilItWaits = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A deliverer that dies with the bus: nobody stops it. */
const doomed = (lab: CallbacksLab, store: CallbacksDeps['store']): Promise<void> =>
  createDeliverer({ bus: lab.bus(), store }).service.start();

test('the end of a task is posted once, signed as Standard Webhooks asks', async () => {
  const lab = await openCallbacksLab();
  const receiver = await startReceiver();
  const { registry, count } = await lab.deliverer();
  const finishedAt = systemClock.now();
  const counts = { failed: 1, succeeded: 2 };
  const task = await lab.send({ url: `${receiver.url}?token=1`, state: 'failed', counts, finishedAt });
  await lab.settled();
  expect(receiver.posts).toHaveLength(1);
  const [post] = receiver.posts;
  expect(post?.path).toBe('/hook?token=1');
  expect(post?.headers).toMatchObject({
    'content-type': 'application/json',
    'user-agent': `moltbot/${await gatewayVersion()}`,
    'webhook-id': replyIdOf(task.id),
    'webhook-timestamp': expect.stringMatching(/^\d{10}$/),
  });
  expect(new Webhook(secret).verify(post?.body ?? '', stringsOf(post?.headers))).toEqual({
    type: 'task.ended',
    timestamp: new Date(finishedAt).toISOString(),
    data: {
      ...{ id: task.id, state: 'failed', action: 'shell.run', on: 'web-*', counts },
      acceptedAt: new Date(task.acceptedAt).toISOString(),
      finishedAt: new Date(finishedAt).toISOString(),
      links: { self: `/v1/tasks/${task.id}` },
    },
  });
  expect(() => new Webhook(secret).verify(`${post?.body} `, stringsOf(post?.headers))).toThrow();
  expect(await count('delivered')).toBe(1);
  expect(await registry.metrics()).toMatch(/moltbot_callback_seconds_count\{.*\} 1\n/);
});

test('a post tells of the runs that the store knows', async () => {
  const lab = await openCallbacksLab();
  const receiver = await startReceiver();
  await lab.deliverer();
  const task = newTask(receiver.url);
  const target = { name: 'web-1', labels: {}, pool: 'default', transport: 'local' } as const;
  const order = { runId: runIdOf(task.id, 0), index: 0, target, task };
  await lab.store.acceptTask({ task, orders: [order] });
  const claim = { order, worker: 'w', leaseMs: 60_000, redelivered: false, publishedAt: 0, claimId: 'c', start: true };
  const claimed = await lab.store.claimRun(claim);
  if (claimed.verdict !== 'run') return expect.unreachable(`the claim was answered ${claimed.verdict}`);
  await lab.store.finishRun(claimed.token, { state: 'failed', exitCode: 3 });
  await lab.send({ url: receiver.url, task, state: 'failed', counts: { failed: 1 } });
  await lab.settled();
  const { data } = JSON.parse(receiver.posts[0]?.body ?? '');
  expect(data.runs).toMatchObject([{ id: order.runId, target: 'web-1', state: 'failed', exitCode: 3, attempts: 1 }]);
});

test('a second reply under the same id is not posted', async () => {
  const lab = await openCallbacksLab();
  const receiver = await startReceiver();
  const { count } = await lab.deliverer();
  const task = await lab.send({ url: receiver.url });
  await lab.send({ url: receiver.url, task });
  await lab.settled();
  await lab.send({ url: receiver.url, task });
  await lab.settled();
  expect(receiver.posts).toHaveLength(1);
  expect(await count('duplicate')).toBe(2);
});

test('what fails is posted again, up the ladder, with the same id and bytes, until it is taken', async () => {
  const lab = await openCallbacksLab();
  const statuses = [500, 404, 302, 429, 503, 400, 200];
  const elsewhere = await startReceiver();
  const receiver = await startReceiver((_post, response, nth) => {
    response.writeHead(statuses[nth - 1] ?? 200, { location: elsewhere.url }).end('no');
  });
  const { count } = await lab.deliverer();
  await lab.send({ url: receiver.url });
  await posted(receiver, statuses.length);
  await lab.settled();
  expect(receiver.posts).toHaveLength(statuses.length);
  expect(elsewhere.posts).toHaveLength(0);
  expect(lab.rungs).toEqual(['5s', '30s', '2m', '10m', '10m', '10m']);
  expect(receiver.ids().size).toBe(1);
  expect(new Set(receiver.posts.map(({ body }) => body)).size).toBe(1);
  for (const { body, headers } of receiver.posts) new Webhook(secret).verify(body, stringsOf(headers));
  expect([await count('retried'), await count('delivered')]).toEqual([6, 1]);
});

test('a receiver that asks for more time gets the next rung that is long enough', async () => {
  const lab = await openCallbacksLab();
  const asked = ['6', '31', '121', '99999', '1', undefined];
  const receiver = await startReceiver((_post, response, nth) => {
    const retryAfter = asked[nth - 1];
    if (retryAfter === undefined) response.writeHead(204).end();
    else response.writeHead(503, { 'retry-after': retryAfter }).end();
  });
  await lab.deliverer();
  await lab.send({ url: receiver.url });
  await posted(receiver, asked.length);
  expect(lab.rungs).toEqual(['30s', '2m', '10m', '10m', '10m']);
});

test('a receiver that is down gets its replies when it is up', async () => {
  const lab = await openCallbacksLab();
  const { count } = await lab.deliverer();
  const port = await freePort();
  const task = await lab.send({ url: `http://127.0.0.1:${port}/` });
  await eventually('two tries', async () => (await count('retried')) >= 2);
  const receiver = await startReceiver(undefined, { port });
  await lab.settled();
  expect([...receiver.ids()]).toEqual([replyIdOf(task.id)]);
  expect(receiver.posts).toHaveLength(1);
});

test('410 Gone is final: the reply is a dead letter at once', async () => {
  const lab = await openCallbacksLab();
  const receiver = await startReceiver((_post, response) => void response.writeHead(410).end());
  const { count } = await lab.deliverer();
  const task = await lab.send({ url: receiver.url });
  const [letter] = await lab.dead();
  expect(letter?.reason).toBe('MOLT_CALLBACK_FAILED: 410, the receiver wants no more of it');
  expect(letter?.message?.body).toMatchObject({ task: { id: task.id } });
  expect(receiver.posts).toHaveLength(1);
  expect(await count('refused')).toBe(1);
});

test('what cannot be delivered in time is a dead letter that says why, and can be replayed', async () => {
  const lab = await openCallbacksLab();
  let isRight = false;
  const receiver = await startReceiver((_post, response) => void response.writeHead(isRight ? 204 : 500).end());
  const { count } = await lab.deliverer({ clock: clockThatEndsWhen(() => receiver.posts.length > 1) });
  await lab.send({ url: receiver.url });
  const [letter] = await lab.dead();
  expect(letter?.reason).toBe('MOLT_CALLBACK_FAILED: 500');
  expect(letter?.queue).toEqual({ kind: 'replies', platform: 'http' });
  expect(receiver.posts.length).toBeGreaterThan(1);
  expect(await count('given-up')).toBe(1);
  isRight = true;
  if (!letter?.message) return expect.unreachable('the letter cannot be read');
  await lab.publish(letter.message);
  await lab.settled();
  expect(await count('delivered')).toBe(1);
  expect(receiver.ids().size).toBe(1);
});

test('a process that dies between the post and the ack: the same id and bytes come again, for the receiver to drop', async () => {
  const lab = await openCallbacksLab();
  const receiver = await startReceiver();
  const { store } = lab;
  const dying = {
    wasDelivered: store.wasDelivered,
    getRuns: store.getRuns,
    markDelivered: () => new Promise<void>(() => {}),
  };
  await doomed(lab, dying);
  await lab.send({ url: receiver.url });
  await posted(receiver);
  await lab.restartBus();
  const { count } = await lab.deliverer();
  await lab.settled();
  expect(receiver.posts).toHaveLength(2);
  expect(receiver.ids().size).toBe(1);
  expect(new Set(receiver.posts.map(({ body }) => body)).size).toBe(1);
  expect(await count('delivered')).toBe(1);
});

test('a process that dies between the note of the delivery and the ack: nothing is posted again', async () => {
  const lab = await openCallbacksLab();
  const receiver = await startReceiver();
  const { store } = lab;
  const noted = Promise.withResolvers<void>();
  const dying = {
    wasDelivered: store.wasDelivered,
    getRuns: store.getRuns,
    async markDelivered(tenant: string, replyId: string) {
      await store.markDelivered(tenant, replyId);
      noted.resolve();
      await new Promise<void>(() => {});
    },
  };
  await doomed(lab, dying);
  await lab.send({ url: receiver.url });
  await noted.promise;
  await lab.restartBus();
  const { count } = await lab.deliverer();
  await lab.settled();
  expect(receiver.posts).toHaveLength(1);
  expect(await count('duplicate')).toBe(1);
});

test('quiesce finishes the posts in hand and hands back the rest, which the next process posts', async () => {
  const lab = await openCallbacksLab();
  const gate = Promise.withResolvers<void>();
  const receiver = await startReceiver(async (_post, response) => {
    await gate.promise;
    response.writeHead(204).end();
  });
  const first = await lab.deliverer();
  for (let task = 0; task < 10; task += 1) await lab.send({ url: receiver.url });
  await eventually('all to be in hand', () => lab.handedOut() === 10);
  await posted(receiver, 4);
  const quiesced = first.service.quiesce(new AbortController().signal);
  await untilItWaits();
  gate.resolve();
  await quiesced;
  expect(await first.count('delivered')).toBe(4);
  expect((await first.count('handed-back')) + (await first.count('waited'))).toBeGreaterThanOrEqual(6);
  expect(receiver.posts).toHaveLength(4);
  await first.service.stop();
  await lab.deliverer();
  await lab.settled();
  expect(receiver.posts).toHaveLength(10);
  expect(receiver.ids().size).toBe(10);
});

test('quiesce by force breaks off a post, and the next process makes it again', async () => {
  const lab = await openCallbacksLab();
  const receiver = await startReceiver((_post, response, nth) => {
    if (nth > 1) response.writeHead(204).end();
  });
  const first = await lab.deliverer();
  await lab.send({ url: receiver.url });
  await posted(receiver);
  const force = new AbortController();
  const quiesced = first.service.quiesce(force.signal);
  await untilItWaits();
  force.abort();
  await quiesced;
  expect(await first.count('handed-back')).toBe(1);
  await first.service.stop();
  await lab.deliverer();
  await lab.settled();
  expect(receiver.posts).toHaveLength(2);
  expect(receiver.ids().size).toBe(1);
  expect(lab.rungs).toEqual([]);
});

test('with the store down replies are posted all the same', async () => {
  const lab = await openCallbacksLab();
  const receiver = await startReceiver();
  const down = (): Promise<never> => Promise.reject(new MoltError('MOLT_STORE_DOWN', 'the store is down'));
  const { count } = await lab.deliverer({ store: { wasDelivered: down, markDelivered: down, getRuns: down } });
  await lab.send({ url: receiver.url });
  await lab.settled();
  expect(receiver.posts).toHaveLength(1);
  expect(JSON.parse(receiver.posts[0]?.body ?? '').data).not.toHaveProperty('runs');
  expect(await count('delivered')).toBe(1);
});

test('two hundred callbacks over two processes: each is delivered once', async () => {
  const lab = await openCallbacksLab();
  const receiver = await startReceiver();
  const both = [await lab.deliverer(), await lab.deliverer()];
  const sent = await Promise.all(Array.from({ length: 200 }, () => lab.send({ url: receiver.url })));
  await lab.settled();
  expect(receiver.posts).toHaveLength(200);
  expect(receiver.ids()).toEqual(new Set(sent.map(({ id }) => replyIdOf(id))));
  const [one = 0, other = 0] = await Promise.all(both.map(({ count }) => count('delivered')));
  expect(one + other).toBe(200);
  expect(receiver.busiest()).toBeLessThanOrEqual(2 * 4);
});

test('one log line a try, with neither the secret nor what else the URL tells', async () => {
  const lab = await openCallbacksLab();
  const written: string[] = [];
  const log = createLogger({ service: 'gateway', destination: { write: (line) => void written.push(line) } });
  const receiver = await startReceiver((_post, response, nth) => void response.writeHead(nth > 1 ? 204 : 500).end());
  await lab.deliverer({ log });
  const task = await lab.send({ url: `${receiver.url}/hidden?key=hidden` });
  await lab.settled();
  const tries = written.map((line) => JSON.parse(line)).filter((line) => line.task === task.id);
  const same = { task: task.id, trace: 'trace-1', receiver: `127.0.0.1:${receiver.port}`, ms: expect.any(Number) };
  expect(tries).toMatchObject([
    { ...same, tries: 1, status: 500, level: 'warn' },
    { ...same, tries: 2, status: 204, level: 'info' },
  ]);
  expect(written.join()).not.toMatch(/hidden|whsec_/);
});

test('what does not belong in the queue, and what has no callback, is a dead letter', async () => {
  const lab = await openCallbacksLab();
  await lab.deliverer();
  await lab.publish(envelope('cancel', { tenant: 'acme', trace: 't', body: { taskId: newId() } }));
  await lab.publish(replyMessage(newTask('http://127.0.0.1/', { origin: { kind: 'http', requestId: 'r-1' } })));
  const reasons = (await lab.dead(2)).map(({ reason }) => reason);
  expect(reasons.toSorted()).toEqual([
    'MOLT_CALLBACK_FAILED: the task names no address that can be called',
    'a cancel message does not belong in a queue of replies',
  ]);
});
