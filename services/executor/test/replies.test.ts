import type { Delivery, QueueRef } from '@moltbot/bus';
import { isKind, type Reply, replyIdOf, runIdOf } from '@moltbot/shared';
import { eventually } from '@moltbot/testkit';
import { expect, test } from 'vitest';
import { createFakeTransport, type FakeCommand } from './support/fake-transport.ts';
import { type Lab, newOrder, openLab } from './support/lab.ts';

const queue = { kind: 'replies', platform: 'http' } as const;
const callback = { url: 'https://example.com/hook', secret: `whsec_${'A'.repeat(32)}` };
const origin = { kind: 'http', requestId: 'r-1', callback } as const;

const chat = {
  ...({ kind: 'chat', account: 'ops', place: { channel: 'c-1' } } as const),
  ...({ event: 'e-1', actor: 'u-1', language: 'en' } as const),
};

/** Collects the replies on the bus. */
async function replies(
  lab: Lab,
  from: QueueRef = queue,
): Promise<readonly { readonly id: string; readonly body: Reply }[]> {
  const found: { id: string; body: Reply }[] = [];
  await lab.bus.consume(from, { prefetch: 10 }, async (delivery: Delivery) => {
    const { message } = delivery;
    if (isKind(message, 'reply')) found.push({ id: message.id, body: message.body });
    await delivery.ack();
  });
  return found;
}

test('the end of a task that wants an answer is on the bus before its message is gone, and marked', async () => {
  const lab = await openLab();
  const found = await replies(lab);
  await lab.worker();
  const order = await lab.accept({ command: 'exit 3', origin });
  const { finishedAt } = await lab.until(order);
  await lab.settled();
  await eventually('its reply', () => found.length > 0);
  const { task } = order;
  const body = { task, state: 'failed', counts: { failed: 1 }, finishedAt, tries: 0 };
  expect(found).toEqual([{ id: replyIdOf(task.id), body }]);
  expect(await lab.store.listUnanswered('acme', 0, 10)).toEqual([]);
});

test.each(['discord', 'lark'] as const)(
  'the end of a task that a chat waits for is told on its platform: %s',
  async (platform) => {
    const lab = await openLab();
    const [found, posted] = [await replies(lab, { kind: 'replies', platform }), await replies(lab)];
    await lab.worker();
    const order = await lab.accept({ command: 'exit 3', origin: { ...chat, platform } });
    await lab.until(order);
    await lab.settled();
    await eventually('its reply', () => found.length > 0);
    expect(found).toMatchObject([{ id: replyIdOf(order.task.id), body: { task: order.task, state: 'failed' } }]);
    expect([posted, await lab.store.listUnanswered('acme', 0, 10)]).toEqual([[], []]);
  },
);

test('a task without a callback costs nothing', async () => {
  const lab = await openLab();
  const { store, link } = await lab.worker();
  await lab.until(await lab.accept());
  await lab.settled();
  expect([store.count('getTask'), store.count('markAnswered'), link.published()]).toEqual([0, 0, 0]);
});

test('a task that its door took back is not answered, though its message came', async () => {
  const lab = await openLab();
  const found = await replies(lab);
  const { link } = await lab.worker();
  const order = newOrder({ command: 'x', origin });
  await lab.store.acceptTask({ task: order.task, orders: [order] });
  await lab.store.withdrawTask(order.task, { code: 'MOLT_BUS_DOWN', message: 'm', remedy: 'r' });
  await lab.publish(order);
  await eventually('its message', () => link.handedOut() > 0);
  await lab.settled();
  expect([found, await lab.run(order)]).toMatchObject([[], { state: 'undeliverable' }]);
});

test('a store that is emptied between the end and its reply does not swallow the reply', async () => {
  const lab = await openLab();
  const found = await replies(lab);
  const getTask = lab.store.getTask.bind(lab.store);
  let looks = 0;
  Object.assign(lab.store, {
    getTask: (...args: Parameters<typeof getTask>) => (looks++ === 0 ? Promise.resolve(undefined) : getTask(...args)),
  });
  await lab.worker();
  const order = await lab.accept({ command: 'exit 3', origin });
  await eventually('its reply', () => found.length > 0);
  await lab.settled();
  expect(found).toMatchObject([{ id: replyIdOf(order.task.id), body: { state: 'failed' } }]);
});

test('a task of two runs is answered when the second has ended', async () => {
  const lab = await openLab();
  const found = await replies(lab);
  const transport = createFakeTransport({ onCommand: (command: FakeCommand) => command.connect() });
  await lab.worker({ transports: [transport] });
  const first = newOrder({ command: 'x', origin, runs: 2 });
  const second = { ...first, runId: runIdOf(first.task.id, 1), index: 1 };
  await lab.store.acceptTask({ task: first.task, orders: [first, second] });
  await lab.publish(first);
  await eventually('the first', () => transport.sent('x') === 1);
  (await transport.command('x')).end({ exitCode: 0 });
  await lab.until(first);
  await lab.settled();
  expect(found).toEqual([]);
  await lab.publish(second);
  await eventually('the second', () => transport.sent('x') === 2);
  (await transport.command('x')).end({ exitCode: 1 });
  await eventually('its reply', () => found.length === 1);
  expect(found[0]?.body).toMatchObject({ state: 'failed', counts: { succeeded: 1, failed: 1 } });
});

test('a run whose end was recorded and whose worker died before it answered is answered when its message comes again', async () => {
  const lab = await openLab();
  const found = await replies(lab);
  const dying = await lab.worker();
  dying.store.down('getTask');
  const order = await lab.accept({ origin });
  await lab.until(order);
  await eventually('a try', () => dying.store.count('getTask') > 0);
  expect(found).toEqual([]);
  await dying.die();
  await lab.worker();
  await lab.settled();
  await eventually('its reply', () => found.length === 1);
});

test('while the bus takes no reply the run is not acked; a worker that stops gives it back', async () => {
  const lab = await openLab();
  const found = await replies(lab);
  const { executor, link } = await lab.worker();
  link.refusePublications(true);
  const order = await lab.accept({ origin });
  await lab.until(order);
  await eventually('tries', () => link.published() > 1);
  expect(link.inHand()).toBe(1);
  await executor.quiesce(AbortSignal.abort());
  await executor.stop();
  expect([link.inHand(), found.length]).toEqual([0, 0]);
  await lab.worker();
  await lab.settled();
  await eventually('its reply', () => found.length === 1);
  expect(await lab.store.listUnanswered('acme', 0, 10)).toEqual([]);
});

test('a run that waits for its reply to be taken is acked when it is', async () => {
  const lab = await openLab();
  const found = await replies(lab);
  const { link } = await lab.worker();
  link.refusePublications(true);
  const order = await lab.accept({ origin });
  await lab.until(order);
  await eventually('tries', () => link.published() > 1);
  link.refusePublications(false);
  await lab.settled();
  expect(link.handedOut()).toBe(1);
  await eventually('its reply', () => found.length === 1);
});

test.each([origin, { ...chat, platform: 'discord' } as const])(
  'a queue of replies that is not there yet is declared: %j',
  async (waiting) => {
    const lab = await openLab();
    await lab.worker();
    const order = await lab.accept({ origin: waiting });
    await lab.until(order);
    await lab.settled();
    const found = await replies(lab, waiting.kind === 'chat' ? { kind: 'replies', platform: 'discord' } : queue);
    await eventually('its reply', () => found.length === 1);
  },
);
