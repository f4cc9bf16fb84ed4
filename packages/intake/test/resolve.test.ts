import { createLogger, type Principal, type RunOrder } from '@moltbot/shared';
import type { Store } from '@moltbot/store';
import { expect, test } from 'vitest';
import type { DoorDeps } from './lab.ts';
import { alice, bob, callback, claim, type Lab, openLab, queuedOrders, stranger, submission } from './lab.ts';

/** A task on two targets whose second run ended unknown. */
async function withUnknownRun(lab: Lab, request: Parameters<typeof submission>[0] = {}) {
  const door = await lab.door();
  const asked = { on: 'web-1, web-2', ...request.request };
  const { taskId } = await door.submit(submission({ ...request, request: asked }));
  const order = (await queuedOrders(lab)).find(({ index, task }) => index === 1 && task.id === taskId);
  if (!order) throw new Error('there is no order');
  await endUnknown(lab, order);
  // Tasks of one millisecond are listed by id, and that of a rerun follows from its key: it tells no time.
  lab.clock.advance(1);
  return { door, taskId, order };
}

async function endUnknown(lab: Lab, order: RunOrder): Promise<void> {
  const claimed = await claim(lab, order, true);
  if (claimed.verdict !== 'run') throw new Error(`the claim was answered ${claimed.verdict}`);
  const error = { code: 'MOLT_RUN_LOST', message: 'm', remedy: 'r' } as const;
  await lab.store.finishRun(claimed.token, { state: 'unknown', error });
}

const taskIds = async (lab: Lab): Promise<readonly string[]> =>
  (await lab.store.listTasks('acme', { limit: 50 })).tasks.map(({ task }) => task.id);

/** Log lines of a door, parsed. */
function listen(): { readonly log: NonNullable<DoorDeps['log']>; readonly lines: (message: string) => unknown[] } {
  const written: string[] = [];
  const log = createLogger({ service: 'intake', level: 'info', destination: { write: (line) => written.push(line) } });
  const lines = (message: string): unknown[] =>
    written.map((line) => JSON.parse(line)).filter(({ msg }) => msg === message);
  return { log, lines };
}

test('a run that is done is noted with who said it, when and why; its state stays', async () => {
  const lab = await openLab();
  const { taskId, order } = await withUnknownRun(lab);
  const { log, lines } = listen();
  const door = await lab.door({ log });
  const resolved = await door.resolve(alice, { taskId, index: 1, as: 'done', note: 'the file is there' });
  expect(resolved).toEqual({ runId: order.runId, as: 'done' });
  const [, run] = await lab.store.getRuns('acme', taskId);
  expect(run).toMatchObject({ state: 'unknown' });
  expect(run?.resolution).toEqual({ as: 'done', by: 'key:alice', at: lab.clock.now(), note: 'the file is there' });
  expect(await taskIds(lab)).toEqual([taskId]);
  expect(lines('run resolved')).toMatchObject([
    { principal: 'key:alice', tenant: 'acme', task: taskId, run: 1, as: 'done' },
  ]);
});

test('a rerun is a new task of one run that does the same on the target that has the name now', async () => {
  const lab = await openLab();
  const args = { command: 'deploy', env: { A: '1' } };
  const request = {
    args,
    callback,
    class: 'at-most-once',
    retries: 2,
    priority: 'interactive',
    timeout: '5s',
  } as const;
  const { taskId, order } = await withUnknownRun(lab, { request });
  const { log, lines } = listen();
  const door = await lab.door({ log });
  lab.clock.advance(1_000);
  const resolved = await door.resolve(bob, { taskId, index: 1, as: 'rerun' });
  expect(resolved).toEqual({ runId: order.runId, as: 'rerun', taskId: expect.any(String) });
  const newTask = resolved.taskId ?? '';
  const record = await lab.store.getTask('acme', newTask);
  expect(record).toMatchObject({ state: 'queued', counts: { queued: 1 } });
  expect(record?.task).toMatchObject({
    ...{ action: 'shell.run', args, on: 'web-2', class: 'at-most-once', retries: 2, runs: 1, priority: 'interactive' },
    ...{ limits: order.task.limits, origin: order.task.origin, principal: bob, acceptedAt: lab.clock.now() },
  });
  const queued = (await queuedOrders(lab)).find(({ task }) => task.id === newTask);
  expect(queued).toMatchObject({ runId: `${newTask}.0`, target: { name: 'web-2' } });
  expect((await lab.store.getRuns('acme', taskId))[1]?.resolution).toMatchObject({
    as: 'rerun',
    by: 'key:bob',
    taskId: newTask,
  });
  expect(lines('run resolved')).toMatchObject([{ principal: 'key:bob', task: taskId, run: 1, as: 'rerun', newTask }]);
});

test('a resolve that died between the new task and its note makes no second task', async () => {
  const lab = await openLab();
  const { taskId } = await withUnknownRun(lab);
  let fail = true;
  const store: Store = {
    ...lab.store,
    async resolveRun(...resolution) {
      if (fail) throw new Error('it died here');
      return lab.store.resolveRun(...resolution);
    },
  };
  const door = await lab.door({ store });
  await expect(door.resolve(alice, { taskId, index: 1, as: 'rerun' })).rejects.toThrow('it died here');
  const made = (await taskIds(lab)).filter((id) => id !== taskId);
  expect(made).toHaveLength(1);
  fail = false;
  // Another person may be the one to ask again.
  await expect(door.resolve(bob, { taskId, index: 1, as: 'rerun' })).resolves.toMatchObject({ taskId: made[0] });
  expect(await taskIds(lab)).toHaveLength(2);
});

test('of many that ask for a rerun at once, through two doors, all are told of one task', async () => {
  const lab = await openLab();
  const { taskId } = await withUnknownRun(lab);
  const doors = [await lab.door(), await lab.door()];
  const asked = Array.from({ length: 10 }, (_, at) =>
    doors[at % 2]?.resolve(at % 3 ? alice : bob, { taskId, index: 1, as: 'rerun' }),
  );
  const settled = await Promise.allSettled(asked);
  const told = new Set(settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value?.taskId] : [])));
  expect(told.size).toBe(1);
  const refused = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []));
  expect(refused.every((code) => code === 'MOLT_NOT_UNKNOWN')).toBe(true);
  const [made = ''] = told;
  expect(await taskIds(lab)).toEqual([made, taskId]);
  await expect(lab.store.getTask('acme', made ?? '')).resolves.toMatchObject({ state: 'queued' });
});

test('a rerun that somebody else made needless is cancelled', async () => {
  const lab = await openLab();
  const { taskId, order } = await withUnknownRun(lab);
  const done = { as: 'done', by: 'key:bob', at: 1 } as const;
  const store: Store = {
    ...lab.store,
    async resolveRun(...resolution) {
      await lab.store.resolveRun('acme', order.runId, done);
      return lab.store.resolveRun(...resolution);
    },
  };
  const refused = (await lab.door({ store })).resolve(alice, { taskId, index: 1, as: 'rerun' });
  await expect(refused).rejects.toMatchObject({
    code: 'MOLT_NOT_UNKNOWN',
    message: expect.stringContaining('as done'),
  });
  const [made = ''] = (await taskIds(lab)).filter((id) => id !== taskId);
  await expect(lab.store.getTask('acme', made)).resolves.toMatchObject({ state: 'cancelled' });
});

test.each<[string, Principal, number, string]>([
  ['a run that is queued', alice, 0, 'MOLT_NOT_UNKNOWN'],
  ['a run that is not there', alice, 2, 'MOLT_NOT_FOUND'],
  ['a run of another tenant', stranger, 1, 'MOLT_NOT_FOUND'],
])('%s cannot be resolved, and no task is made', async (_what, principal, index, code) => {
  const lab = await openLab();
  const { door, taskId } = await withUnknownRun(lab);
  for (const as of ['done', 'rerun'] as const) {
    await expect(door.resolve(principal, { taskId, index, as })).rejects.toMatchObject({ code });
  }
  expect(await taskIds(lab)).toEqual([taskId]);
});

test('a run is resolved once, and who asks again is told how', async () => {
  const lab = await openLab();
  const { door, taskId } = await withUnknownRun(lab);
  const { taskId: newTask } = await door.resolve(alice, { taskId, index: 1, as: 'rerun' });
  for (const as of ['done', 'rerun'] as const) {
    const again = door.resolve(alice, { taskId, index: 1, as });
    await expect(again).rejects.toMatchObject({
      code: 'MOLT_NOT_UNKNOWN',
      message: expect.stringContaining(`${newTask}`),
    });
  }
  expect(await taskIds(lab)).toHaveLength(2);
});

test('a target that is gone is no reason to run it elsewhere, and nothing is noted', async () => {
  const lab = await openLab();
  const { taskId } = await withUnknownRun(lab);
  const door = await lab.door({ targets: ['web-1', 'web-20'] });
  await expect(door.resolve(alice, { taskId, index: 1, as: 'rerun' })).rejects.toMatchObject({
    code: 'MOLT_NO_TARGETS',
  });
  expect((await lab.store.getRuns('acme', taskId))[1]?.resolution).toBeUndefined();
  expect(await taskIds(lab)).toEqual([taskId]);
});

test('an order is done again by one task, however often that is asked for, and by none of another tenant', async () => {
  const lab = await openLab();
  const { door, order, taskId } = await withUnknownRun(lab);
  const first = await door.rerun(alice, order, 'its letter was replayed');
  await expect(door.rerun(bob, order, 'its letter was replayed')).resolves.toEqual(first);
  expect(await taskIds(lab)).toEqual([first.taskId, taskId]);
  await expect(door.rerun(stranger, order, 'why')).rejects.toMatchObject({ code: 'MOLT_NO_TARGETS' });
});

test('with the bus down a rerun is refused, nothing is noted, and it may be asked for again', async () => {
  const lab = await openLab();
  const { door, taskId } = await withUnknownRun(lab);
  await lab.bus.stop();
  await expect(door.resolve(alice, { taskId, index: 1, as: 'rerun' })).rejects.toMatchObject({ code: 'MOLT_BUS_DOWN' });
  expect((await lab.store.getRuns('acme', taskId))[1]?.resolution).toBeUndefined();
  expect(await taskIds(lab)).toEqual([taskId]);
});
