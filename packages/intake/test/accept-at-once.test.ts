import { isKind, MoltError } from '@moltbot/shared';
import type { NewTask, Store } from '@moltbot/store';
import { expect, test } from 'vitest';
import { alice, claim, type Lab, openLab, queuedOrders, soon, submission, withBus } from './lab.ts';

const down = (): MoltError => new MoltError('MOLT_STORE_DOWN', 'it is not there');

/** A store that takes no records for as long as it is down. */
function downStore(lab: Lab): { readonly store: Store; come(): void } {
  let isDown = true;
  const acceptTask = (task: NewTask) => (isDown ? Promise.reject(down()) : lab.store.acceptTask(task));
  return {
    store: { ...lab.store, acceptTask },
    come() {
      isDown = false;
    },
  };
}

/** Which of the two a door does first, and whether it waits for it. */
async function orderOf(lab: Lab, asked: Parameters<typeof submission>[0]): Promise<readonly string[]> {
  const steps: string[] = [];
  const acceptTask: Store['acceptTask'] = async (task) => {
    steps.push('record');
    const accepted = await lab.store.acceptTask(task);
    await new Promise((resolve) => setImmediate(resolve));
    steps.push('recorded');
    return accepted;
  };
  const bus = withBus(lab.bus, {
    publish(message, to) {
      steps.push('publish');
      return lab.bus.publish(message, to);
    },
  });
  const door = await lab.door({ bus, store: { ...lab.store, acceptTask } });
  await door.submit(submission(asked));
  return steps;
}

test('a task of one run that nobody can ask for again is recorded and published at the same time; any other one after the other', async () => {
  const lab = await openLab();
  expect(await orderOf(lab, {})).toEqual(['record', 'publish', 'recorded']);
  expect(await orderOf(lab, { idempotencyKey: 'k' })).toEqual(['record', 'recorded', 'publish']);
  expect(await orderOf(lab, { persists: true })).toEqual(['record', 'recorded', 'publish']);
  expect(await orderOf(lab, { request: { on: 'web-1, web-2' } })).toEqual(['record', 'recorded', 'publish', 'publish']);
});

test('a confirmed task stands without its record, which is made when the store is back, once, and can be cancelled then', async () => {
  const lab = await openLab();
  const { store, come } = downStore(lab);
  const door = await lab.door({ store });
  const { taskId, created } = await door.submit(submission());
  expect([created, await lab.store.getTask('acme', taskId)]).toEqual([true, undefined]);
  come();
  await expect.poll(() => lab.store.getTask('acme', taskId), soon).toMatchObject({ state: 'queued' });
  await door.quiesce(new AbortController().signal);
  expect(await lab.store.listUnpublished('acme', 0, 10)).toEqual([]);
  expect((await lab.queued()).map(({ id }) => id)).toEqual([`${taskId}.0`]);
  await expect(door.cancel(alice, taskId)).resolves.toMatchObject({ kind: 'requested', state: 'cancelled' });
});

test('a door that stops makes the record before it goes, if the store is back by then', async () => {
  const lab = await openLab();
  const { store, come } = downStore(lab);
  // Its clock stands: it would never try again by itself.
  const door = await lab.door({ store });
  const { taskId } = await door.submit(submission());
  come();
  await door.stop();
  await expect(lab.store.getTask('acme', taskId)).resolves.toMatchObject({ state: 'queued' });
});

test('a record whose answer was lost is that of an accepted task', async () => {
  const lab = await openLab();
  let answers = 0;
  const acceptTask: Store['acceptTask'] = async (task) => {
    const accepted = await lab.store.acceptTask(task);
    answers += 1;
    if (answers === 1) throw down();
    return accepted;
  };
  const door = await lab.door({ store: { ...lab.store, acceptTask } });
  const { taskId, created } = await door.submit(submission());
  await door.stop();
  expect([created, answers, (await lab.queued()).length]).toEqual([true, 2, 1]);
  await expect(lab.store.getTask('acme', taskId)).resolves.toMatchObject({ state: 'queued' });
});

test('a run that was claimed before its record came is one task, as it is', async () => {
  const lab = await openLab();
  const published = Promise.withResolvers<void>();
  const acceptTask: Store['acceptTask'] = async (task) => {
    await published.promise;
    return lab.store.acceptTask(task);
  };
  const bus = withBus(lab.bus, {
    async publish(message, to) {
      const outcome = await lab.bus.publish(message, to);
      if (isKind(message, 'run')) await claim(lab, message.body, true);
      published.resolve();
      return outcome;
    },
  });
  const { taskId, created } = await (await lab.door({ bus, store: { ...lab.store, acceptTask } })).submit(submission());
  expect(created).toBe(true);
  await expect(lab.store.getTask('acme', taskId)).resolves.toMatchObject({ state: 'running' });
  await expect(lab.store.getRuns('acme', taskId)).resolves.toMatchObject([{ state: 'running', attempts: 1 }]);
});

test('refused by both, a task never runs, though its message arrived', async () => {
  const lab = await openLab();
  const { store, come } = downStore(lab);
  const bus = withBus(lab.bus, {
    async publish(message, to) {
      await lab.bus.publish(message, to);
      return 'unknown';
    },
  });
  const door = await lab.door({ bus, store });
  await expect(door.submit(submission())).rejects.toMatchObject({ code: 'MOLT_BUS_DOWN' });
  come();
  await door.stop();
  for (const order of await queuedOrders(lab)) {
    await expect(claim(lab, order)).resolves.toEqual({ verdict: 'final', state: 'undeliverable' });
  }
  expect(await queuedOrders(lab)).toHaveLength(2);
});

test('a store that is known to be down refuses before anything is published', async () => {
  const lab = await openLab();
  const health = () => ({ ok: false, detail: 'Redis is gone' });
  const door = await lab.door({ store: { ...lab.store, health } });
  const refused = door.submit(submission());
  await expect(refused).rejects.toMatchObject({ code: 'MOLT_STORE_DOWN', message: expect.stringContaining('gone') });
  expect(await lab.queued()).toEqual([]);
});
