import { type Envelope, newId, replyIdOf } from '@moltbot/shared';
import { expect, test } from 'vitest';
import {
  alice,
  callback,
  chat,
  claim,
  discordReplies,
  type Lab,
  openLab,
  queuedOrders,
  replies,
  soon,
  stranger,
  submission,
  withBus,
} from './lab.ts';

/** A task of three runs, and their orders. */
async function submitted(lab: Lab) {
  const door = await lab.door();
  const { taskId } = await door.submit(submission({ request: { on: 'web-*' } }));
  const orders = await queuedOrders(lab);
  const states = async () => (await lab.store.getRuns('acme', taskId)).map(({ state }) => state);
  return { door, taskId, orders, states };
}

async function broadcasts(lab: Lab): Promise<Envelope[]> {
  const heard: Envelope[] = [];
  await lab.bus.onBroadcast((message) => heard.push(message));
  return heard;
}

async function keptBy(lab: Lab): Promise<Envelope[]> {
  const kept: Envelope[] = [];
  await lab.bus.recall({ since: 0 }, (message) => kept.push(message));
  return kept;
}

test('what waits is cancelled at once, its message runs nothing, and the bus keeps the word of each who asks', async () => {
  const lab = await openLab();
  const { door, taskId, orders, states } = await submitted(lab);
  await expect(door.cancel(alice, taskId)).resolves.toEqual({ kind: 'requested', state: 'cancelled', leased: [] });
  expect(await states()).toEqual(['cancelled', 'cancelled', 'cancelled']);
  for (const order of orders) {
    await expect(claim(lab, order, true)).resolves.toEqual({ verdict: 'final', state: 'cancelled' });
  }
  const kept = { kind: 'cancel', tenant: 'acme', body: { taskId } };
  expect(await keptBy(lab)).toMatchObject([kept]);
  const final = { kind: 'final', state: 'cancelled', cancelRequested: true };
  await expect(door.cancel(alice, taskId)).resolves.toEqual(final);
  expect(await keptBy(lab)).toMatchObject([kept, kept]);
});

test('what has ended in another way cannot be cancelled, and no word of it is kept', async () => {
  const lab = await openLab();
  const { door, taskId, orders } = await submitted(lab);
  for (const order of orders) {
    const claimed = await claim(lab, order, true);
    if (claimed.verdict !== 'run') return expect.fail('it was not claimed');
    await lab.store.finishRun(claimed.token, { state: 'succeeded', exitCode: 0, truncated: false });
  }
  const final = { kind: 'final', state: 'succeeded', cancelRequested: false };
  await expect(door.cancel(alice, taskId)).resolves.toEqual(final);
  expect(await keptBy(lab)).toEqual([]);
});

test('a word that the bus did not keep is said again when the cancel is asked for again, whatever the state of the whole', async () => {
  const lab = await openLab();
  const { door, taskId, orders } = await submitted(lab);
  const [failing] = orders;
  const claimed = failing && (await claim(lab, failing, true));
  if (claimed?.verdict !== 'run') return expect.fail('it was not claimed');
  await lab.store.finishRun(claimed.token, { state: 'failed', exitCode: 1, truncated: false });
  const deaf = await lab.door({ bus: withBus(lab.bus, { broadcast: async () => 'unknown' }) });
  await expect(deaf.cancel(alice, taskId)).resolves.toEqual({ kind: 'requested', state: 'failed', leased: [] });
  expect(await keptBy(lab)).toEqual([]);
  await expect(door.cancel(alice, taskId)).resolves.toMatchObject({ kind: 'final', state: 'failed' });
  expect(await keptBy(lab)).toMatchObject([{ kind: 'cancel', body: { taskId } }]);
});

test('the workers of what runs are told, and what waits beside it is cancelled', async () => {
  const lab = await openLab();
  const heard = await broadcasts(lab);
  const { door, taskId, orders, states } = await submitted(lab);
  const [first, second] = orders;
  if (!first || !second) return expect.fail('there are no orders');
  await claim(lab, first, true);
  await claim(lab, second, false);
  await expect(door.cancel(alice, taskId)).resolves.toEqual({
    kind: 'requested',
    state: 'running',
    leased: [first, second],
  });
  expect(await states()).toEqual(['running', 'claimed', 'cancelled']);
  await expect.poll(() => heard, soon).toMatchObject([{ kind: 'cancel', tenant: 'acme', body: { taskId } }]);
});

test('a cancel stands though its broadcast is lost: the worker learns it with its lease', async () => {
  const lab = await openLab();
  const { taskId, orders } = await submitted(lab);
  const [order] = orders;
  const claimed = order && (await claim(lab, order, true));
  if (claimed?.verdict !== 'run') return expect.fail('it was not claimed');
  const deaf = await lab.door({ bus: withBus(lab.bus, { broadcast: async () => 'unknown' }) });
  await expect(deaf.cancel(alice, taskId)).resolves.toMatchObject({ kind: 'requested', leased: [order] });
  const renewed = await lab.store.renewLeases([claimed.token], 10_000);
  expect(renewed).toMatchObject([{ held: true, cancelRequested: true }]);
});

test('a task of somebody else, and one that never was, are absent alike', async () => {
  const lab = await openLab();
  const { door, taskId, states } = await submitted(lab);
  await expect(door.cancel(stranger, taskId)).resolves.toEqual({ kind: 'absent' });
  await expect(door.cancel(alice, newId())).resolves.toEqual({ kind: 'absent' });
  expect(await states()).toEqual(['queued', 'queued', 'queued']);
});

test('a watch is set over each run that is with a worker, for when that worker is gone', async () => {
  const lab = await openLab();
  const { door, taskId, orders } = await submitted(lab);
  const [first, second] = orders;
  if (!first || !second) return expect.fail('there are no orders');
  await claim(lab, first, true);
  await claim(lab, second, false);
  await door.cancel(alice, taskId);
  const entries = await lab.store.journal.read('runs.default.acme.interactive', 0, 100);
  const waiting = entries.filter(({ notBefore }) => notBefore > 0);
  expect(waiting.map(({ notBefore }) => notBefore - lab.clock.now())).toEqual([5_000, 5_000]);
  const watches = (await lab.queued()).filter(({ kind }) => kind === 'watch');
  expect(watches.sort((a, b) => (a.id < b.id ? -1 : 1))).toEqual(
    [first, second].map((order) => ({
      ...{ v: 1, kind: 'watch', id: order.runId, tenant: 'acme' },
      ...{ trace: order.task.trace, at: order.task.acceptedAt, body: order },
    })),
  );
});

test('a cancel stands though no watch could be set and nobody heard of it', async () => {
  const lab = await openLab();
  const { taskId, orders } = await submitted(lab);
  const [order] = orders;
  if (!order) return expect.fail('there are no orders');
  await claim(lab, order, true);
  const deaf = await lab.door({
    bus: withBus(lab.bus, { broadcast: async () => 'unknown', publish: async () => 'nacked' }),
  });
  await expect(deaf.cancel(alice, taskId)).resolves.toMatchObject({ kind: 'requested', state: 'running' });
  await expect(lab.store.getTask('acme', taskId)).resolves.toMatchObject({ cancelRequested: true });
});

test('a task that a cancel ends is answered at once, and once', async () => {
  const lab = await openLab();
  const door = await lab.door();
  const { taskId } = await door.submit(submission({ request: { callback } }));
  await door.cancel(alice, taskId);
  const answers = await lab.queued(replies);
  expect(answers).toMatchObject([
    { id: replyIdOf(taskId), kind: 'reply', tenant: 'acme', body: { state: 'cancelled' } },
  ]);
  await expect(lab.store.listUnanswered('acme', 0, 10)).resolves.toEqual([]);
});

test('a task of a chat that a cancel ends is answered to that chat', async () => {
  const lab = await openLab();
  const door = await lab.door();
  const { taskId } = await door.submit(submission({ origin: chat }));
  await door.cancel(alice, taskId);
  expect(await lab.queued(discordReplies)).toMatchObject([
    { id: replyIdOf(taskId), kind: 'reply', tenant: 'acme', body: { task: { origin: chat }, state: 'cancelled' } },
  ]);
  await expect(lab.queued(replies)).resolves.toEqual([]);
  await expect(lab.store.listUnanswered('acme', 0, 10)).resolves.toEqual([]);
});

test('an answer that the bus does not take is left to maintenance, and the cancel stands', async () => {
  const lab = await openLab();
  const door = await lab.door();
  const { taskId } = await door.submit(submission({ request: { callback } }));
  const full = await lab.door({ bus: withBus(lab.bus, { publish: async () => 'nacked' }) });
  await expect(full.cancel(alice, taskId)).resolves.toMatchObject({ state: 'cancelled' });
  await expect(lab.store.listUnanswered('acme', 0, 10)).resolves.toMatchObject([{ task: { id: taskId } }]);
});
