import type { Bus, RecallStart } from '@moltbot/bus';
import {
  type Envelope,
  envelope,
  MoltError,
  type RunClass,
  type RunOrder,
  silentLogger,
  type Task,
} from '@moltbot/shared';
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

test('a run whose time to start passes while it waits for the bus does not start', async () => {
  const { lab } = await openForgetfulLab();
  const order = newOrder({ command: 'x', class: 'guarded', limits: { queueMs: 60_000 } });
  const transport = createFakeTransport({ isReady: () => true, onCommand: (command) => command.connect() });
  const worker = await lab.worker({ transports: [transport], clock: lab.clock });
  worker.link.refuseRecalls(Number.POSITIVE_INFINITY);
  await lab.publish(order);
  await expect.poll(() => worker.link.refusedRecalls()).toBeGreaterThan(0);
  expect(await lab.run(order)).toMatchObject({ state: 'claimed' });
  lab.clock.advance(61_000);
  worker.link.refuseRecalls(0);
  expect(await lab.until(order)).toMatchObject({ state: 'expired' });
  await lab.settled();
  expect(transport.sent('x')).toBe(0);
});

/** A bus whose readings are answered by hand. */
function createReadings() {
  const from: RecallStart[] = [];
  const open: ((cancels: readonly Envelope[] | Error, end?: number) => void)[] = [];
  const recall: Bus['recall'] = (start, visit) => {
    from.push(start);
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    open.push((cancels, end = 0) => {
      if (cancels instanceof Error) return reject(cancels);
      cancels.forEach(visit);
      resolve(end);
    });
    return promise;
  };
  const next = async (n: number, cancels: readonly Envelope[] | Error, end?: number): Promise<void> => {
    await expect.poll(() => open.length).toBe(n + 1);
    open[n]?.(cancels, end);
  };
  const said: string[] = [];
  const log = { ...silentLogger, warn: (_fields: object, text: string) => void said.push(text) };
  const clock = createShiftedClock();
  return { cancels: createForgottenCancels({ bus: { recall }, clock, log }), clock, from, next, said };
}

const hour = 3_600_000;
const acceptedAt = (ms: number): Task => newOrder({ acceptedAt: 10 * hour + ms }).task;
const cancelAt = (task: Task, at: number): Envelope => ({ ...cancelOf(task), at: 10 * hour + at });

test('those who ask during one reading share the next, which goes on where that one ended', async () => {
  const { cancels, from, next } = createReadings();
  const [first, late, early] = [acceptedAt(5), acceptedAt(9), acceptedAt(7)];
  const answers = [cancels.has(first), cancels.has(late), cancels.has(early)];
  await next(0, [cancelAt(early, 8)], 70);
  await next(1, [cancelAt(late, 10)], 80);
  await expect(Promise.all(answers)).resolves.toEqual([false, true, true]);
  const oldest = cancels.has(acceptedAt(1));
  await next(2, [], 90);
  await expect(oldest).resolves.toBe(false);
  expect(from).toEqual([{ since: 9 * hour + 5 }, { after: 70 }, { since: 9 * hour + 1 }]);
});

test('a reading that fails is begun anew, and is said once in a while', async () => {
  const { cancels, clock, from, next, said } = createReadings();
  const task = acceptedAt(5);
  const known = cancels.has(task);
  await next(0, [], 70);
  await known;
  for (const n of [1, 2]) {
    const failing = cancels.has(task);
    await next(n, new MoltError('MOLT_BUS_DOWN', 'on purpose'));
    await expect(failing).rejects.toMatchObject({ code: 'MOLT_BUS_DOWN' });
  }
  expect(said).toHaveLength(1);
  clock.advance(30_000);
  const failing = cancels.has(task);
  await next(3, new MoltError('MOLT_BUS_DOWN', 'on purpose'));
  await expect(failing).rejects.toThrow('on purpose');
  expect(said).toHaveLength(2);
  const again = cancels.has(task);
  await next(4, [cancelAt(task, 6)]);
  await expect(again).resolves.toBe(true);
  expect(from).toEqual([{ since: 9 * hour + 5 }, { after: 70 }, ...[1, 2, 3].map(() => ({ since: 9 * hour + 5 }))]);
});

test.each([
  ['long before it was accepted: its id has come again', -60_001, false],
  ['by a door whose clock is behind', -60_000, true],
])('a cancel of %s', async (_when, at, isCancelled) => {
  const { cancels, next } = createReadings();
  const task = acceptedAt(0);
  const answer = cancels.has(task);
  await next(0, [cancelAt(task, at), cancelAt(task, at - 1)]);
  await expect(answer).resolves.toBe(isCancelled);
});
