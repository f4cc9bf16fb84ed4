import { encodeEnvelope, envelope, newId, type RunOrder } from '@moltbot/shared';
import type { DeadLetter } from '@moltbot/store';
import { beforeEach, describe, expect, test } from 'vitest';
import type { DeadLetters } from '../src/index.ts';
import { type DeadLab, openDeadLab, replies, replyOf } from './dead-letters-lab.ts';
import { alice, chat, interactive, queuedOrders, stranger, withBus } from './lab.ts';

let lab: DeadLab;
let letters: DeadLetters;
beforeEach(async () => {
  lab = await openDeadLab();
  letters = lab.create();
});

const letter = (more: Partial<DeadLetter> = {}): DeadLetter => ({
  ...{ id: newId(), tenant: 'acme', diedAt: lab.clock.now(), reason: 'no use', resubmitted: 0 },
  bytes: Buffer.from('garbage'),
  ...more,
});

/** A letter of a run, put into the store. */
async function letterOf(order: RunOrder): Promise<string> {
  const { runId, task } = order;
  const message = envelope('run', { tenant: 'acme', trace: task.trace, id: runId, at: task.acceptedAt, body: order });
  const queue = 'runs/default/acme/interactive';
  await lab.store.putDeadLetter(letter({ id: runId, bytes: encodeEnvelope(message), kind: 'run', queue }));
  return runId;
}

/** Empties the queue, so that only what is published later is in it. */
async function taken(): Promise<RunOrder> {
  const order = await lab.waiting();
  const subscription = await lab.bus.consume(
    interactive,
    { prefetch: 1 },
    async (delivery) => void (await delivery.ack()),
  );
  await expect.poll(() => lab.queued()).toEqual([]);
  await subscription.cancel();
  return order;
}

const gone = { code: 'MOLT_NOT_FOUND' };

describe('list, get and drop', () => {
  test('list newest first, page by page, of one tenant', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 5; n += 1) {
      const each = letter();
      await lab.store.putDeadLetter(each);
      ids.unshift(each.id);
      lab.clock.advance(1_000);
    }
    await lab.store.putDeadLetter(letter({ tenant: 'other', id: 'theirs' }));
    const first = await letters.list(alice, { limit: 3 });
    const second = await letters.list(alice, { limit: 3, cursor: first.cursor });
    expect([...first.letters, ...second.letters].map(({ id }) => id)).toEqual(ids);
    expect(second.cursor).toBeUndefined();
    expect(await letters.list(stranger, { limit: 3 })).toMatchObject({ letters: [{ id: 'theirs' }] });
  });

  test('a letter of another tenant is not there', async () => {
    await lab.store.putDeadLetter(letter({ id: 'ours' }));
    await expect(letters.get(stranger, 'ours')).rejects.toMatchObject(gone);
    await expect(letters.drop(stranger, 'ours')).rejects.toMatchObject(gone);
    await expect(letters.replay(stranger, 'ours')).rejects.toMatchObject(gone);
    expect(await letters.get(alice, 'ours')).toMatchObject({ id: 'ours' });
  });

  test('drop drops it once, and is on record', async () => {
    const order = await taken();
    const id = await letterOf(order);
    await letters.drop(alice, id);
    await expect(letters.drop(alice, id)).rejects.toMatchObject(gone);
    await expect(letters.get(alice, id)).rejects.toMatchObject(gone);
    const fields = { principal: alice.id, tenant: 'acme', letter: id, task: order.task.id, run: order.runId };
    expect(lab.logged.filter(({ message }) => message === 'dead letter dropped')).toEqual([
      { message: 'dead letter dropped', fields },
    ]);
  });
});

describe('replay', () => {
  test('a reply is sent anew, under its id and with no tries behind it', async () => {
    const reply = replyOf(await taken());
    await lab.store.putDeadLetter(letter({ id: reply.id, bytes: encodeEnvelope(reply), queue: 'replies/http' }));
    expect(await letters.replay(alice, reply.id)).toEqual({ kind: 'message' });
    // The callback's secret is in the message that goes out, and in nothing that is shown.
    expect(await lab.queued(replies)).toEqual([{ ...reply, body: { ...reply.body, tries: 0 } }]);
    await expect(letters.get(alice, reply.id)).rejects.toMatchObject(gone);
  });

  test.each(['discord', 'lark'] as const)(
    'a reply to a chat goes back to it, wherever it died: %s',
    async (platform) => {
      const order = await taken();
      const chatOrder = { ...order, task: { ...order.task, origin: { ...chat, platform } } };
      const [reply, lost] = [replyOf(chatOrder), { ...replyOf(chatOrder), id: 'lost.ended' }];
      const queue = `replies/${platform}`;
      await lab.store.putDeadLetter(letter({ id: reply.id, bytes: encodeEnvelope(reply), queue }));
      await lab.store.putDeadLetter(letter({ id: lost.id, bytes: encodeEnvelope(lost) }));
      for (const { id } of [reply, lost]) expect(await letters.replay(alice, id)).toEqual({ kind: 'message' });
      expect((await lab.queued({ kind: 'replies', platform })).map(({ id }) => id)).toEqual([reply.id, lost.id]);
      expect(await lab.queued(replies)).toEqual([]);
    },
  );

  test('a run that is still open: the same message is published again', async () => {
    const order = await taken();
    const id = await letterOf(order);
    expect(await letters.replay(alice, id)).toEqual({ kind: 'message' });
    expect(await lab.queued()).toMatchObject([{ id: order.runId, at: order.task.acceptedAt, body: order }]);
    await expect(letters.get(alice, id)).rejects.toMatchObject(gone);
  });

  test.each(['undeliverable', 'expired'] as const)('a run that never ran (%s): a new task does it', async (state) => {
    const order = await taken();
    const id = await letterOf(order);
    expect(await lab.store.abandonRun(order, { state })).toBe('ok');
    const bob = { tenant: 'acme', id: 'key:bob' };
    const replayed = await letters.replay(bob, id);
    const [again] = await queuedOrders(lab);
    expect(replayed).toEqual({ kind: 'task', taskId: again?.task.id });
    expect(again?.task.id).not.toBe(order.task.id);
    expect(again?.task).toMatchObject({ action: 'shell.run', args: { command: 'true' }, principal: bob });
    expect(lab.logged.at(-1)).toEqual({
      message: 'dead letter replayed',
      fields: {
        ...{ principal: bob.id, tenant: 'acme', letter: id, task: order.task.id, run: order.runId },
        ...replayed,
      },
    });
    // Replayed by two at once, it is one task.
    await letterOf(order);
    expect(await letters.replay(alice, id)).toEqual(replayed);
    expect(await lab.queued()).toHaveLength(1);
  });

  test('a run that may have run is not done again; it is resolved', async () => {
    const order = await taken();
    const claim = await lab.claim(order, { start: true });
    if (claim.verdict !== 'run') throw new Error(claim.verdict);
    await lab.store.finishRun(claim.token, { state: 'unknown' });
    const id = await letterOf(order);
    await expect(letters.replay(alice, id)).rejects.toMatchObject({
      code: 'MOLT_CANNOT_REPLAY',
      remedy: expect.stringContaining('resolve'),
    });
    expect(await letters.get(alice, id)).toMatchObject({ id });
    expect(await lab.queued()).toEqual([]);
  });

  test('a run that ended is not done again', async () => {
    const order = await taken();
    await lab.store.requestCancel('acme', order.task.id);
    const id = await letterOf(order);
    await expect(letters.replay(alice, id)).rejects.toMatchObject({
      code: 'MOLT_CANNOT_REPLAY',
      message: 'its run is cancelled',
    });
    expect(await lab.queued()).toEqual([]);
  });

  test('what could not be decoded is, when this version can', async () => {
    const order = await taken();
    const id = await letterOf(order);
    const known = await lab.store.getDeadLetter('acme', id);
    await lab.store.putDeadLetter({
      ...letter({ id, bytes: known?.bytes ?? Buffer.alloc(0) }),
      reason: 'MOLT_ENVELOPE: v',
    });
    expect(await letters.get(alice, id)).toMatchObject({ kind: 'run', message: { id } });
    expect(await letters.replay(alice, id)).toEqual({ kind: 'message' });
    expect(await lab.queued()).toMatchObject([{ id: order.runId }]);
  });

  test('what cannot be decoded, or is of no use, stays', async () => {
    const cancel = envelope('cancel', { tenant: 'acme', trace: 't', body: { taskId: newId() } });
    await lab.store.putDeadLetter(letter({ id: 'garbage' }));
    await lab.store.putDeadLetter(letter({ id: 'cancel', bytes: encodeEnvelope(cancel), kind: 'cancel' }));
    for (const id of ['garbage', 'cancel']) {
      await expect(letters.replay(alice, id)).rejects.toMatchObject({ code: 'MOLT_CANNOT_REPLAY' });
      expect(await letters.get(alice, id)).toMatchObject({ id });
    }
  });

  test('a message of one tenant in the letter of another stays where it is', async () => {
    const order = await taken();
    const id = await letterOf(order);
    const ours = await lab.store.getDeadLetter('acme', id);
    await lab.store.putDeadLetter(letter({ id, tenant: 'other', bytes: ours?.bytes ?? Buffer.alloc(0) }));
    await expect(letters.replay(stranger, id)).rejects.toMatchObject({ code: 'MOLT_CANNOT_REPLAY' });
    expect(await lab.queued()).toEqual([]);
  });

  test.each([
    ['nacked', 'MOLT_BUS_FULL'],
    ['unroutable', 'MOLT_NO_EXECUTOR'],
    ['unknown', 'MOLT_BUS_DOWN'],
  ] as const)('a publication that is %s leaves the letter', async (outcome, code) => {
    const id = await letterOf(await taken());
    const bus = withBus(lab.bus, { publish: async () => outcome });
    await expect(lab.create({ bus }).replay(alice, id)).rejects.toMatchObject({ code });
    expect(await letters.get(alice, id)).toMatchObject({ id });
  });
});
