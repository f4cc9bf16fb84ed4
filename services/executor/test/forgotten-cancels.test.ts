import type { Bus } from '@moltbot/bus';
import { type Envelope, envelope, MoltError, type RunClass, type RunOrder, type Task } from '@moltbot/shared';
import { expect, test } from 'vitest';
import { createForgottenCancels } from '../src/forgotten-cancels.ts';
import { createShiftedClock } from './support/clock.ts';
import { createFakeTransport } from './support/fake-transport.ts';
import { createForgetfulStore } from './support/forgetful-store.ts';
import { type Lab, newOrder, openLab } from './support/lab.ts';

const cancelOf = ({ id, principal }: Task): Envelope =>
  envelope('cancel', { tenant: principal.tenant, trace: 't', body: { taskId: id } });

async function openForgetfulLab() {
  const clock = createShiftedClock();
  const forgetful = createForgetfulStore(clock);
  const lab = await openLab({ shared: forgetful.store, clock });
  return { lab, forget: () => forgetful.empty([]) };
}

/** As the door does it. */
async function cancel(lab: Lab, task: Task): Promise<void> {
  await lab.store.requestCancel('acme', task.id);
  await lab.bus.broadcast(cancelOf(task));
}

const classes: readonly RunClass[] = ['guarded', 'readonly', 'at-most-once'];
const hosts = [
  ['whose host is connected', true],
  ['whose host is not connected yet', false],
] as const;

test.each(classes.flatMap((runClass) => hosts.map(([host, isReady]) => [runClass, host, isReady] as const)))(
  'a %s run %s never starts when it was cancelled while it waited and the store forgot',
  async (runClass, _host, isReady) => {
    const { lab, forget } = await openForgetfulLab();
    const [gone, goesOn] = [
      await lab.accept({ command: 'gone', class: runClass }),
      await lab.accept({ command: 'goes on', class: runClass }),
    ];
    await cancel(lab, gone.task);
    await forget();
    const transport = createFakeTransport({
      isReady: () => isReady,
      onCommand: (command) => {
        command.connect();
        if (!command.run.guard) command.end({ exitCode: 0 });
      },
      onLaunch: async (_text, record) => record.end({ exitCode: 0 }),
    });
    await lab.worker({ transports: [transport] });
    expect(await lab.until(gone)).toMatchObject({ state: 'cancelled' });
    expect(await lab.until(goesOn)).toMatchObject({ state: 'succeeded' });
    await lab.settled();
    expect([transport.sent('gone'), transport.sent('goes on')]).toEqual([0, 1]);
    expect(await lab.store.getTask('acme', gone.task.id)).toMatchObject({ state: 'cancelled', cancelRequested: true });
  },
);

test('a cancel of another tenant, and one of another task, change nothing', async () => {
  const { lab, forget } = await openForgetfulLab();
  const order = await lab.accept({ command: 'true', class: 'readonly' });
  const { task } = newOrder();
  await lab.bus.broadcast(cancelOf(task));
  await lab.bus.broadcast(cancelOf({ ...order.task, principal: { tenant: 'globex', id: 'key:1' } }));
  await forget();
  await lab.worker();
  expect(await lab.until(order)).toMatchObject({ state: 'succeeded' });
});

/** A run whose message comes once the worker is there, and whose cancel the store forgot. */
async function cancelledAndForgotten({ lab, forget }: Awaited<ReturnType<typeof openForgetfulLab>>): Promise<RunOrder> {
  const order = newOrder({ command: 'x', class: 'guarded' });
  await lab.store.acceptTask({ task: order.task, orders: [order] });
  await cancel(lab, order.task);
  await forget();
  return order;
}

test('a bus that cannot be read is asked until it can', async () => {
  const forgetful = await openForgetfulLab();
  const { lab } = forgetful;
  const order = await cancelledAndForgotten(forgetful);
  const transport = createFakeTransport({ isReady: () => true });
  const worker = await lab.worker({ transports: [transport] });
  worker.link.refuseRecalls(3);
  await lab.publish(order);
  await expect.poll(() => worker.link.refusedRecalls()).toBe(3);
  expect(await lab.until(order)).toMatchObject({ state: 'cancelled' });
  expect(transport.sent('x')).toBe(0);
});

test('a run that waits for the bus is handed over like any other, and the next worker asks again', async () => {
  const forgetful = await openForgetfulLab();
  const { lab } = forgetful;
  const order = await cancelledAndForgotten(forgetful);
  const transport = createFakeTransport({ isReady: () => true, onCommand: (command) => command.connect() });
  const waiting = await lab.worker({ transports: [transport] });
  waiting.link.refuseRecalls(Number.POSITIVE_INFINITY);
  await lab.publish(order);
  await expect.poll(() => waiting.link.refusedRecalls()).toBeGreaterThan(0);
  await waiting.executor.quiesce(AbortSignal.abort());
  await lab.worker({ transports: [transport] });
  expect(await lab.until(order)).toMatchObject({ state: 'cancelled' });
  await lab.settled();
  expect(transport.sent('x')).toBe(0);
});

test('those who ask during one reading share the next, from the time of the oldest task', async () => {
  const asked: number[] = [];
  const readings: PromiseWithResolvers<readonly Envelope[]>[] = [];
  const recall: Bus['recall'] = (since) => {
    asked.push(since);
    const reading = Promise.withResolvers<readonly Envelope[]>();
    readings.push(reading);
    return reading.promise;
  };
  const cancels = createForgottenCancels({ recall });
  const tasks = [5_000, 9_000, 7_000].map((ms) => newOrder({ acceptedAt: 1_000_000 + ms }).task);
  const [first, late, early] = tasks as [Task, Task, Task];
  const answers = [cancels.has(first), cancels.has(late), cancels.has(early)];
  readings[0]?.resolve([cancelOf(early)]);
  await expect(answers[0]).resolves.toBe(false);
  await expect.poll(() => asked).toEqual([945_000, 947_000]);
  readings[1]?.resolve([cancelOf(early), cancelOf(first)]);
  await expect(Promise.all(answers)).resolves.toEqual([false, false, true]);
  const failing = cancels.has(first);
  await expect.poll(() => readings.length).toBe(3);
  readings[2]?.reject(new MoltError('MOLT_BUS_DOWN', 'on purpose'));
  await expect(failing).rejects.toMatchObject({ code: 'MOLT_BUS_DOWN' });
  const again = cancels.has(first);
  await expect.poll(() => readings.length).toBe(4);
  readings[3]?.resolve([cancelOf(first)]);
  await expect(again).resolves.toBe(true);
});
