import type { PublishOutcome } from '@moltbot/bus';
import { type Envelope, isKind, MoltError, type RunOrder } from '@moltbot/shared';
import { expect, test } from 'vitest';
import { alice, claim, interactive, type Lab, openLab, soon, submission, withBus } from './lab.ts';

const orderIn = (message: Envelope | undefined): RunOrder => {
  if (!message || !isKind(message, 'run')) throw new Error('it is no run');
  return message.body;
};

async function refusedTask(lab: Lab, refusal: unknown) {
  const taskId = refusal instanceof MoltError ? String(refusal.details['taskId']) : 'none';
  return { task: await lab.store.getTask('acme', taskId), runs: await lab.store.getRuns('acme', taskId) };
}

const failure = (submitted: Promise<unknown>): Promise<unknown> =>
  submitted.then(
    () => new Error('it was accepted'),
    (error: unknown) => error,
  );

test('a full queue refuses: the task is undeliverable, its key is free, nothing of it runs', async () => {
  const lab = await openLab({ maxQueueLength: 1 });
  const door = await lab.door();
  const kept = await door.submit(submission());
  const refusal = await failure(door.submit(submission({ idempotencyKey: 'k' })));
  expect(refusal).toMatchObject({ code: 'MOLT_BUS_FULL', message: expect.stringContaining('pool default') });
  const { task, runs } = await refusedTask(lab, refusal);
  expect(task).toMatchObject({ state: 'undeliverable' });
  expect(runs).toMatchObject([{ state: 'undeliverable', error: { code: 'MOLT_BUS_FULL' } }]);
  const [message, ...more] = await lab.queued();
  expect([message?.id, more]).toEqual([`${kept.taskId}.0`, []]);

  const emptied = await lab.bus.consume(interactive, { prefetch: 1 }, (delivery) => void delivery.ack());
  await expect.poll(() => lab.queued(), soon).toEqual([]);
  await emptied.cancel();
  await expect(door.submit(submission({ idempotencyKey: 'k' }))).resolves.toMatchObject({ created: true });
});

test('a task of which the queue took a part is refused whole: the part that was taken does not run', async () => {
  const lab = await openLab({ maxQueueLength: 2 });
  const door = await lab.door();
  const refusal = await failure(door.submit(submission({ request: { on: 'web-*' } })));
  expect(refusal).toMatchObject({ code: 'MOLT_BUS_FULL' });
  const taken = await lab.queued();
  expect(taken).toHaveLength(2);
  for (const message of taken) {
    await expect(claim(lab, orderIn(message))).resolves.toEqual({ verdict: 'final', state: 'undeliverable' });
  }
});

test('a pool without a queue is named, and the task is taken back', async () => {
  const lab = await openLab();
  const door = lab.createDoor();
  const refusal = await failure(door.submit(submission({ request: { on: 'far-1' } })));
  expect(refusal).toMatchObject({ code: 'MOLT_NO_EXECUTOR', message: expect.stringContaining('pool far') });
  expect((await refusedTask(lab, refusal)).runs).toMatchObject([
    { state: 'undeliverable', error: { code: 'MOLT_NO_EXECUTOR' } },
  ]);
});

test.each([
  ['blocked', 'MOLT_BUS_FULL'],
  ['connecting', 'MOLT_BUS_DOWN'],
  ['closed', 'MOLT_BUS_DOWN'],
] as const)('a bus that is %s is not tried, and nothing is recorded', async (state, code) => {
  const lab = await openLab();
  const publish = () => expect.unreachable('it was published');
  const door = await lab.door({ bus: withBus(lab.bus, { state: () => state, publish }) });
  await expect(door.submit(submission())).rejects.toMatchObject({ code });
  expect((await lab.store.listTasks('acme', { limit: 5 })).tasks).toEqual([]);
  expect(door.health()).toEqual({ ok: false, detail: `bus: ${state}` });
});

test('a publication without an answer is made again under the same id', async () => {
  const lab = await openLab();
  const ids: string[] = [];
  const bus = withBus(lab.bus, {
    async publish(message, to) {
      ids.push(message.id);
      return ids.length === 1 ? 'unknown' : lab.bus.publish(message, to);
    },
  });
  const { taskId } = await (await lab.door({ bus })).submit(submission());
  expect(ids).toEqual([`${taskId}.0`, `${taskId}.0`]);
  expect(await lab.queued()).toHaveLength(1);
});

test('a task whose publications had no answer is taken back: the copies that arrived all the same do not run', async () => {
  const lab = await openLab();
  const bus = withBus(lab.bus, {
    async publish(message, to) {
      await lab.bus.publish(message, to);
      return 'unknown';
    },
  });
  const refusal = await failure((await lab.door({ bus })).submit(submission({ idempotencyKey: 'k' })));
  expect(refusal).toMatchObject({ code: 'MOLT_BUS_DOWN' });
  const copies = await lab.queued();
  expect(copies).toHaveLength(2);
  for (const copy of copies) {
    await expect(claim(lab, orderIn(copy))).resolves.toEqual({ verdict: 'final', state: 'undeliverable' });
  }
  const next = await (await lab.door()).submit(submission({ idempotencyKey: 'k' }));
  expect(next.created).toBe(true);
});

test.each<PublishOutcome>(['nacked', 'unroutable', 'unknown'])(
  'a task of which a run was claimed before it was %s stands, and the rest is published later',
  async (outcome) => {
    const lab = await openLab();
    const bus = withBus(lab.bus, {
      async publish(message, to) {
        if (!message.id.endsWith('.0')) return outcome;
        const published = await lab.bus.publish(message, to);
        await claim(lab, orderIn(message));
        return published;
      },
    });
    const door = await lab.door({ bus });
    const { taskId, created } = await door.submit(submission({ request: { on: 'web-1, web-2' } }));
    expect(created).toBe(true);
    const states = (await lab.store.getRuns('acme', taskId)).map(({ state }) => state);
    expect(states).toEqual(['claimed', 'queued']);
    await door.stop();
    lab.clock.advance(30_000);
    await lab.door({ sweep: { everyMs: 5, olderThanMs: 30_000 } });
    await expect.poll(async () => (await lab.queued()).map(({ id }) => id), soon).toContain(`${taskId}.1`);
    await expect((await lab.door()).cancel(alice, taskId)).resolves.toMatchObject({
      kind: 'requested',
      leased: [{ runId: `${taskId}.0` }],
    });
  },
);

test('what persists stays recorded when the bus refuses it, and is the same task when it is asked for again', async () => {
  const lab = await openLab();
  let refuses = true;
  const bus = withBus(lab.bus, {
    publish: async (message, to) => (refuses ? 'nacked' : lab.bus.publish(message, to)),
  });
  const door = await lab.door({ bus });
  const wanted = submission({ idempotencyKey: 'job@1', persists: true });
  const refused = await door.submit(wanted).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 'MOLT_BUS_FULL' });
  const { taskId } = (refused as MoltError).details;
  await expect(lab.store.getTask('acme', String(taskId))).resolves.toMatchObject({ state: 'queued' });
  refuses = false;
  await expect(door.submit(wanted)).resolves.toEqual({ taskId, created: false });
  expect((await lab.queued()).map(({ id }) => id)).toEqual([`${taskId}.0`]);
  // Without it the task is taken back, and another takes its place.
  refuses = true;
  const other = submission({ idempotencyKey: 'job@2' });
  const withdrawn = await door.submit(other).catch((error: unknown) => error);
  refuses = false;
  const again = await door.submit(other);
  expect(again.taskId).not.toBe((withdrawn as MoltError).details['taskId']);
});
