import { type Envelope, envelope, isKind, newId, type RunOrder } from '@moltbot/shared';
import type { Claim } from '@moltbot/store';
import { expect, test } from 'vitest';
import { alice, type Lab, openLab, soon, stranger, submission, withBus } from './lab.ts';

function claim(lab: Lab, order: RunOrder, start: boolean): Promise<Claim> {
  return lab.store.claimRun({ order, worker: 'w', leaseMs: 10_000, redelivered: false, publishedAt: 0, start });
}

/** A task of three runs, and their orders. */
async function submitted(lab: Lab) {
  const door = await lab.door();
  const { taskId } = await door.submit(submission({ request: { on: 'web-*' } }));
  const orders = (await lab.queued()).flatMap((message) => (isKind(message, 'run') ? [message.body] : []));
  const states = async () => (await lab.store.getRuns('acme', taskId)).map(({ state }) => state);
  return { door, taskId, orders, states };
}

async function broadcasts(lab: Lab): Promise<Envelope[]> {
  const heard: Envelope[] = [];
  await lab.bus.onBroadcast((message) => heard.push(message));
  return heard;
}

test('what waits is cancelled at once, nobody is told, and its message runs nothing', async () => {
  const lab = await openLab();
  const heard = await broadcasts(lab);
  const { door, taskId, orders, states } = await submitted(lab);
  await expect(door.cancel(alice, taskId)).resolves.toEqual({ kind: 'requested', state: 'cancelled', leased: 0 });
  expect(await states()).toEqual(['cancelled', 'cancelled', 'cancelled']);
  for (const order of orders) {
    await expect(claim(lab, order, true)).resolves.toEqual({ verdict: 'final', state: 'cancelled' });
  }
  await expect(door.cancel(alice, taskId)).resolves.toEqual({ kind: 'final', state: 'cancelled' });
  const later = envelope('cancel', { tenant: 'acme', trace: 't', body: { taskId: newId() } });
  await lab.bus.broadcast(later);
  await expect.poll(() => heard, soon).toEqual([later]);
});

test('the workers of what runs are told, and what waits beside it is cancelled', async () => {
  const lab = await openLab();
  const heard = await broadcasts(lab);
  const { door, taskId, orders, states } = await submitted(lab);
  const [first, second] = orders;
  if (!first || !second) return expect.fail('there are no orders');
  await claim(lab, first, true);
  await claim(lab, second, false);
  await expect(door.cancel(alice, taskId)).resolves.toEqual({ kind: 'requested', state: 'running', leased: 2 });
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
  await expect(deaf.cancel(alice, taskId)).resolves.toMatchObject({ kind: 'requested', leased: 1 });
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
