import { createHash } from 'node:crypto';
import { MoltError } from '@moltbot/shared';
import type { Store } from '@moltbot/store';
import { beforeEach, describe, expect, test } from 'vitest';
import { type DeadLab, openDeadLab, replies, replyOf } from './dead-letters-lab.ts';
import { alice, callback, chat, discordReplies, interactive, soon, withBus } from './lab.ts';

let lab: DeadLab;
beforeEach(async () => {
  lab = await openDeadLab();
});

/** Has the message of this run die, and nothing else of it. */
async function die(reason: string): Promise<void> {
  const end = await lab.kill(interactive, reason);
  await expect.poll(() => lab.store.journal.count('runs.default.acme.interactive'), soon).toBe(0);
  await end();
}

describe('a run whose message died', () => {
  test('of waiting beside another: is published again as it was, unseen by people', async () => {
    const order = await lab.waiting();
    const [sent] = await lab.queued();
    await die('delivery_limit');
    const letters = await lab.keeper();
    await expect.poll(() => lab.queued(), soon).toEqual([sent]);
    await lab.settled();
    expect(await lab.run(order)).toMatchObject({ state: 'queued', attempts: 0 });
    expect(await letters.list(alice, { limit: 10 })).toEqual({ letters: [] });
    await expect(letters.get(alice, order.runId)).rejects.toMatchObject({ code: 'MOLT_NOT_FOUND' });
  });

  test('of waiting, again and again: is given up after three times', async () => {
    const order = await lab.waiting();
    await lab.kill(interactive, 'delivery_limit');
    const letters = await lab.keeper();
    await expect.poll(() => lab.run(order), soon).toMatchObject({ state: 'undeliverable', attempts: 0 });
    await lab.settled();
    expect(await letters.list(alice, { limit: 10 })).toMatchObject({
      letters: [
        {
          ...{ id: order.runId, reason: 'delivery_limit', resubmitted: 3, kind: 'run' },
          ...{ queue: 'runs/default/acme/interactive', taskId: order.task.id, runId: order.runId },
        },
      ],
    });
    expect(lab.logged.filter(({ message }) => message.includes('published again'))).toHaveLength(3);
  });

  test('after a worker claimed it: is undeliverable, and says what to do', async () => {
    const order = await lab.waiting();
    await lab.claim(order, { leaseMs: 1_000 });
    lab.clock.advance(1_001);
    await die('delivery_limit');
    await lab.keeper();
    const letter = await lab.kept(order.runId);
    expect(letter).toMatchObject({ tenant: 'acme', reason: 'delivery_limit', resubmitted: 0, kind: 'run' });
    const remedy = `Replay the dead letter ${order.runId}, or drop it.`;
    expect(await lab.run(order)).toMatchObject({
      state: 'undeliverable',
      error: { code: 'MOLT_RUN_UNDELIVERABLE', message: 'its message died on the bus: delivery_limit', remedy },
    });
    // The task has ended as well, and has a callback to be answered.
    expect(await lab.store.getTask('acme', order.task.id)).toMatchObject({ state: 'undeliverable' });
  });

  test('after a worker claimed it and gave it back: is undeliverable', async () => {
    const order = await lab.waiting();
    const claim = await lab.claim(order);
    if (claim.verdict !== 'run') throw new Error(claim.verdict);
    await lab.store.releaseRun(claim.token);
    await die('delivery_limit');
    await lab.keeper();
    await lab.kept(order.runId);
    expect(await lab.run(order)).toMatchObject({ state: 'undeliverable', attempts: 1 });
  });

  test('that the store does not know: gets its record and its end', async () => {
    const order = await lab.waiting();
    await lab.store.withdrawTask(order.task, { code: 'MOLT_BUS_DOWN', message: '', remedy: '' });
    lab.clock.advance(3_600_001);
    await expect.poll(() => lab.store.expire(), soon).toBe(0);
    expect(await lab.store.getTask('acme', order.task.id)).toBeUndefined();
    await die('delivery_limit');
    await lab.keeper();
    await lab.kept(order.runId);
    expect(await lab.run(order)).toMatchObject({ state: 'undeliverable' });
  });

  test('after it was given up by an executor: is undeliverable for that reason, innocent or not', async () => {
    const order = await lab.waiting();
    await die('no such transport');
    await lab.keeper();
    expect(await lab.kept(order.runId)).toMatchObject({ reason: 'no such transport' });
    expect(await lab.run(order)).toMatchObject({
      state: 'undeliverable',
      error: { message: 'its message died on the bus: no such transport' },
    });
  });

  test('after it started under a worker that is gone: is unknown, as soon as the lease is over', async () => {
    const order = await lab.waiting();
    await lab.claim(order, { leaseMs: 200, start: true });
    await die('delivery_limit');
    await lab.keeper();
    await expect.poll(async () => (await lab.run(order)).state, soon).toBe('running');
    lab.clock.advance(201);
    await lab.kept(order.runId);
    expect(await lab.run(order)).toMatchObject({ state: 'unknown', error: { code: 'MOLT_RUN_LOST' } });
  });

  test('while a worker has it: a watch message takes its place, and no letter is kept', async () => {
    const order = await lab.waiting();
    // The clock stands: this lease lasts.
    await lab.claim(order, { leaseMs: 20, start: true });
    await die('delivery_limit');
    await lab.keeper();
    await lab.settled();
    expect(await lab.queued()).toMatchObject([
      { kind: 'watch', id: order.runId, at: order.task.acceptedAt, body: order },
    ]);
    const [entry] = await lab.store.journal.read('runs.default.acme.interactive', 0, 1);
    expect(entry?.notBefore).toBe(lab.clock.now() + 120_000);
    expect(await lab.run(order)).toMatchObject({ state: 'running' });
    expect(await lab.store.getDeadLetter('acme', order.runId)).toBeUndefined();
  });

  test('when it has its end: nothing is kept of what nobody needs', async () => {
    const order = await lab.waiting();
    const claim = await lab.claim(order, { start: true });
    if (claim.verdict !== 'run') throw new Error(claim.verdict);
    await lab.store.finishRun(claim.token, { state: 'succeeded', exitCode: 0 });
    await die('delivery_limit');
    await lab.keeper();
    await lab.settled();
    expect(await lab.run(order)).toMatchObject({ state: 'succeeded' });
    expect(await lab.store.getDeadLetter('acme', order.runId)).toBeUndefined();
  });

  test('when it ended undeliverable before: its letter is kept', async () => {
    const order = await lab.waiting();
    const error = { code: 'MOLT_RUN_UNDELIVERABLE', message: 'by an executor', remedy: '' } as const;
    await lab.store.abandonRun(order, { state: 'undeliverable', error });
    await die('claimed 5 times');
    await lab.keeper();
    expect(await lab.kept(order.runId)).toMatchObject({ reason: 'claimed 5 times' });
    expect(await lab.run(order)).toMatchObject({ error: { message: 'by an executor' } });
  });
});

describe('what is no run', () => {
  test('a reply is kept', async () => {
    const order = await lab.waiting();
    const reply = replyOf(order);
    await lab.bus.publish(reply, { queue: replies });
    await lab.kill(replies, 'MOLT_CALLBACK_FAILED');
    const letters = await lab.keeper();
    await lab.kept(reply.id);
    const shown = await letters.get(alice, reply.id);
    expect(shown).toMatchObject({
      ...{ id: reply.id, reason: 'MOLT_CALLBACK_FAILED', queue: 'replies/http', kind: 'reply', taskId: order.task.id },
      message: { kind: 'reply', body: { tries: 7, task: { origin: { callback: { url: callback.url } } } } },
    });
    expect(JSON.stringify(shown)).not.toContain('whsec_');
    expect(await lab.run(order)).toMatchObject({ state: 'queued' });
  });

  test('a reply to a chat is kept', async () => {
    const order = await lab.waiting();
    const reply = replyOf({ ...order, task: { ...order.task, origin: chat } });
    await lab.bus.publish(reply, { queue: discordReplies });
    await lab.kill(discordReplies, 'no channel');
    const letters = await lab.keeper();
    await lab.kept(reply.id);
    expect(await letters.get(alice, reply.id)).toMatchObject({
      ...{ id: reply.id, reason: 'no channel', queue: 'replies/discord', kind: 'reply', taskId: order.task.id },
      message: { kind: 'reply', body: { task: { origin: chat } } },
    });
  });

  test('what cannot be decoded is kept for the tenant it can be told from, its secrets blotted out', async () => {
    const order = await lab.waiting();
    const bytes = Buffer.from(JSON.stringify({ ...replyOf(order), v: 99, tenant: 'other' }));
    const strange = 'garbage ../ from elsewhere';
    const inject = (queue: string, content: Buffer, messageId: string): Promise<number> =>
      lab.store.journal.append({ queue, messageId, bytes: content, notBefore: 0 });
    await inject('replies.http', bytes, 'from-another-version');
    await inject('replies.http', Buffer.from([0xff, 0x00]), strange);
    await inject('runs.default.acme.interactive', Buffer.from('{"tenant":"other"}'), 'in-a-queue-of-acme');
    await lab.kill(replies, 'never read');
    await lab.kill(interactive, 'never read');
    const letters = await lab.keeper();
    await expect.poll(async () => (await letters.list(alice, { limit: 10 })).letters.length, soon).toBe(3);
    await lab.settled();

    const bob = { tenant: 'other', id: 'key:bob' };
    const theirs = await letters.get(bob, 'from-another-version');
    expect(theirs).toMatchObject({ reason: expect.stringMatching(/^MOLT_ENVELOPE/), queue: 'replies/http' });
    expect(theirs).toMatchObject({ size: bytes.length, resubmitted: 0 });
    expect(theirs.message).toBeUndefined();
    const shown = Buffer.from(theirs.bytes ?? '', 'base64').toString();
    expect(shown).toBe(bytes.toString().replace(callback.secret, 'whsec_[redacted]'));
    // A stranger's id need not fit in a path, and what nobody can tell is the first tenant's.
    const ours = await letters.list(alice, { limit: 10 });
    expect(ours.letters.map(({ id }) => id).toSorted()).toEqual(
      [createHash('sha256').update(strange).digest('hex'), 'in-a-queue-of-acme', order.runId].toSorted(),
    );
  });

  test('no more than 64 KiB of what cannot be decoded are shown', async () => {
    const bytes = Buffer.alloc(100_000, 'a');
    await lab.store.journal.append({ queue: 'dead', messageId: 'long', bytes, notBefore: 0 });
    const letters = await lab.keeper();
    expect(await lab.kept('long')).toMatchObject({ bytes, tenant: 'acme' });
    const { bytes: shown = '', size } = await letters.get(alice, 'long');
    expect([Buffer.from(shown, 'base64').length, size]).toEqual([65_536, 100_000]);
  });
});

describe('with what it needs down', () => {
  test('the store: nothing is settled, and all is kept when it is back', async () => {
    const order = await lab.waiting();
    await die('no use');
    let down = true;
    let asked = 0;
    const putDeadLetter: Store['putDeadLetter'] = async (letter) => {
      asked += 1;
      if (down) throw new MoltError('MOLT_STORE_DOWN', 'down');
      return lab.store.putDeadLetter(letter);
    };
    await lab.keeper({ store: { ...lab.store, putDeadLetter } });
    await expect.poll(() => asked, soon).toBeGreaterThan(2);
    expect(await lab.store.journal.count('dead')).toBe(1);
    down = false;
    expect(await lab.kept(order.runId)).toMatchObject({ reason: 'no use' });
    await lab.settled();
  });

  test('the bus: the tries of the innocent are not used up', async () => {
    const order = await lab.waiting();
    await die('delivery_limit');
    let full = true;
    let refused = 0;
    const bus = withBus(lab.bus, {
      async publish(message, to) {
        if (!full) return lab.bus.publish(message, to);
        refused += 1;
        return 'nacked';
      },
    });
    await lab.keeper({ bus });
    await expect.poll(() => refused, soon).toBeGreaterThan(4);
    expect(await lab.run(order)).toMatchObject({ state: 'queued' });
    full = false;
    await expect.poll(() => lab.queued(), soon).toHaveLength(1);
    await lab.settled();
    expect(await lab.store.getDeadLetter('acme', order.runId)).toMatchObject({ resubmitted: 1 });
  });

  test('a queue that is gone: the innocent is undeliverable too', async () => {
    const order = await lab.waiting();
    await die('delivery_limit');
    await lab.keeper({ bus: withBus(lab.bus, { publish: async () => 'unroutable' }) });
    await lab.kept(order.runId);
    await lab.settled();
    expect(await lab.run(order)).toMatchObject({ state: 'undeliverable' });
  });

  test('a stop in the middle gives the letter to the next keeper', async () => {
    const order = await lab.waiting();
    await die('no use');
    let asked = 0;
    const getDeadLetter: Store['getDeadLetter'] = async () => {
      asked += 1;
      throw new MoltError('MOLT_STORE_DOWN', 'down');
    };
    const first = await lab.keeper({ store: { ...lab.store, getDeadLetter } });
    await expect.poll(() => asked, soon).toBeGreaterThan(0);
    await first.quiesce(AbortSignal.timeout(1_000));
    await first.stop();
    expect(await lab.store.journal.count('dead')).toBe(1);
    await lab.keeper();
    expect(await lab.kept(order.runId)).toMatchObject({ reason: 'no use' });
  });
});

test('a keeper keeps the contract of a service', async () => {
  const unstarted = lab.create();
  await unstarted.stop();
  await unstarted.stop();
  const service = lab.create();
  await service.start();
  expect([service.name, service.health()]).toEqual(['dead-letters', { ok: true }]);
  await service.quiesce(AbortSignal.timeout(1_000));
  await service.stop();
  await service.stop();
});
