import { MoltError } from '@moltbot/shared';
import type { Store } from '@moltbot/store';
import { expect, test } from 'vitest';
import { type Lab, openLab, submission, withBus } from './lab.ts';

const down = (): MoltError => new MoltError('MOLT_STORE_DOWN', 'the answer was lost');

/** What is in the queue once maintenance has looked at everything old enough. */
async function queuedAfterSweep(lab: Lab): Promise<number> {
  lab.clock.advance(30_000);
  let rounds = 0;
  const store: Store = {
    ...lab.store,
    async expire() {
      rounds += 1;
      return lab.store.expire();
    },
  };
  const door = await lab.door({ store, sweep: { everyMs: 5, olderThanMs: 30_000 } });
  await expect.poll(() => rounds, { timeout: 10_000, interval: 5 }).toBeGreaterThan(2);
  await door.stop();
  return (await lab.queued()).length;
}

test('a task that was refused because the answer of the store was lost is not run by maintenance', async () => {
  const lab = await openLab();
  const acceptTask: Store['acceptTask'] = async (task) => {
    await lab.store.acceptTask(task);
    throw down();
  };
  const door = await lab.door({ store: { ...lab.store, acceptTask } });
  await expect(door.submit(submission())).rejects.toMatchObject({ code: 'MOLT_STORE_DOWN' });
  await door.stop();
  expect(await queuedAfterSweep(lab)).toBe(0);
});

test('a task that could not be taken back because the store went down is not run by maintenance', async () => {
  const lab = await openLab();
  let isDown = true;
  const withdrawTask: Store['withdrawTask'] = (...task) =>
    isDown ? Promise.reject(down()) : lab.store.withdrawTask(...task);
  const bus = withBus(lab.bus, { publish: async () => 'nacked' });
  const door = await lab.door({ bus, store: { ...lab.store, withdrawTask } });
  await expect(door.submit(submission())).rejects.toBeInstanceOf(MoltError);
  isDown = false;
  await door.stop();
  expect(await queuedAfterSweep(lab)).toBe(0);
});

test('asked again for what a door recorded and never published, another door publishes it before it says yes', async () => {
  const lab = await openLab();
  const recorded = Promise.withResolvers<void>();
  const dying = await lab.door({
    bus: withBus(lab.bus, {
      publish: () => {
        recorded.resolve();
        return new Promise(() => {});
      },
    }),
  });
  void dying.submit(submission({ idempotencyKey: 'k' })).catch(() => {});
  await recorded.promise;
  expect(await lab.queued()).toEqual([]);
  const door = await lab.door();
  const { taskId, created } = await door.submit(submission({ idempotencyKey: 'k' }));
  expect([created, (await lab.queued()).map(({ id }) => id)]).toEqual([false, [`${taskId}.0`]]);
});

test('while the bus takes nothing, asking again is refused as well', async () => {
  const lab = await openLab();
  const nowhere = withBus(lab.bus, { publish: async () => 'unknown' });
  const withdrawTask: Store['withdrawTask'] = () => Promise.reject(down());
  const first = await lab.door({ bus: nowhere, store: { ...lab.store, withdrawTask } });
  await expect(first.submit(submission({ idempotencyKey: 'k' }))).rejects.toMatchObject({ code: 'MOLT_BUS_DOWN' });
  const second = await lab.door({ bus: nowhere });
  const again = second.submit(submission({ idempotencyKey: 'k' }));
  await expect(again).rejects.toMatchObject({ code: 'MOLT_BUS_DOWN', message: expect.stringContaining('same key') });
});

test('a task that was refused, asked for again and accepted is not taken back for the refusal', async () => {
  const lab = await openLab();
  let isDown = true;
  const door = await lab.door({
    store: {
      ...lab.store,
      acceptTask: (task) => (isDown ? Promise.reject(down()) : lab.store.acceptTask(task)),
      withdrawTask: (...task) => (isDown ? Promise.reject(down()) : lab.store.withdrawTask(...task)),
    },
  });
  await expect(door.submit(submission({ idempotencyKey: 'k' }))).rejects.toMatchObject({ code: 'MOLT_STORE_DOWN' });
  lab.clock.advance(500);
  isDown = false;
  const { taskId } = await door.submit(submission({ idempotencyKey: 'k' }));
  await door.stop();
  await expect(lab.store.getTask('acme', taskId)).resolves.toMatchObject({ state: 'queued' });
});
