import { createRegistry, newId, RunOrder, runIdOf } from '@moltbot/shared';
import { expect, test } from 'vitest';
import { alice, bob, callback, type Lab, openLab, queuedOrders, stranger, submission } from './lab.ts';

const far = { kind: 'runs', pool: 'far', tenant: 'acme', priority: 'batch' } as const;

const tasksOf = async (lab: Lab, tenant = 'acme') => (await lab.store.listTasks(tenant, { limit: 50 })).tasks;

test('accepted means: recorded, and every run is in its queue', async () => {
  const lab = await openLab();
  const door = await lab.door();
  const { taskId, created } = await door.submit(submission({ request: { on: 'web-*' }, trace: 'trace-7' }));
  expect(created).toBe(true);
  const messages = await lab.queued();
  expect(messages.map(({ id, kind, tenant, trace }) => ({ id, kind, tenant, trace }))).toEqual(
    [0, 1, 2].map((index) => ({ id: runIdOf(taskId, index), kind: 'run', tenant: 'acme', trace: 'trace-7' })),
  );
  const record = await lab.store.getTask('acme', taskId);
  expect(record).toMatchObject({ state: 'queued', counts: { queued: 3 } });
  const orders = messages.map(({ body }) => RunOrder.parse(body));
  expect(orders.map(({ target }) => target.name)).toEqual(['web-1', 'web-2', 'web-3']);
  expect(orders[0]?.task).toEqual(record?.task);
});

test('a task that the bus has is marked, so that nobody publishes it again', async () => {
  const lab = await openLab();
  const door = await lab.door();
  await door.submit(submission());
  await door.submit(submission({ principal: stranger }));
  await door.quiesce(AbortSignal.abort());
  lab.clock.advance(60_000);
  await expect(lab.store.listUnpublished('acme', 0, 10)).resolves.toEqual([]);
  await expect(lab.store.listUnpublished('other', 0, 10)).resolves.toEqual([]);
});

test('a run goes to the queue of its pool, tenant and priority', async () => {
  const lab = await openLab();
  const door = await lab.door();
  const { taskId } = await door.submit(submission({ request: { on: 'far-1', priority: 'batch' } }));
  const other = await door.submit(submission({ principal: stranger }));
  expect((await lab.queued(far)).map(({ id }) => id)).toEqual([runIdOf(taskId, 0)]);
  const theirs = await lab.queued({ ...far, pool: 'default', tenant: 'other', priority: 'interactive' });
  expect(theirs.map(({ id, tenant }) => [id, tenant])).toEqual([[runIdOf(other.taskId, 0), 'other']]);
  await expect(lab.queued()).resolves.toEqual([]);
});

test('the limits of a run are those of the request, and the defaults where it names none', async () => {
  const lab = await openLab();
  const door = await lab.door();
  const times = { connectMs: 15_000, idleMs: 0, totalMs: 3_600_000, queueMs: 86_400_000, deadlineMs: 0 };
  const defaults = { ...times, outputBytes: 1_000_000 };
  const limits = async (request: Parameters<typeof submission>[0]) => {
    const { taskId } = await door.submit(submission(request));
    return (await lab.store.getTask('acme', taskId))?.task.limits;
  };
  expect(await limits({})).toEqual(defaults);
  const named = { timeout: '7d', connectTimeout: '1ms', idleTimeout: '1m30s' };
  expect(await limits({ request: named })).toEqual({ ...defaults, totalMs: 604_800_000, connectMs: 1, idleMs: 90_000 });
  expect(await limits({ request: { idleTimeout: '0s' } })).toEqual(defaults);
  const start = { queueTimeout: '3d', deadline: '7d' };
  expect(await limits({ request: start })).toEqual({ ...defaults, queueMs: 259_200_000, deadlineMs: 604_800_000 });
});

test('a guarded run starts while its target would remember it, or not at all', async () => {
  const lab = await openLab();
  const door = await lab.door();
  const queueMs = async (request: Parameters<typeof submission>[0]) => {
    const { taskId } = await door.submit(submission(request));
    return (await lab.store.getTask('acme', taskId))?.task.limits.queueMs;
  };
  expect(await queueMs({ request: { queueTimeout: '0s' } })).toBe(259_200_000);
  expect(await queueMs({ request: { queueTimeout: '0s', class: 'at-most-once' } })).toBe(0);
  expect(await queueMs({ request: { queueTimeout: '7d', class: 'idempotent' } })).toBe(604_800_000);
});

test.each([
  [
    'an action with a slip',
    { action: 'shell.urn' },
    'MOLT_UNKNOWN_ACTION',
    ['/action', 'did you mean "shell.run"?'],
  ] as const,
  [
    'an action like no other',
    { action: 'zzzzzzzzzz' },
    'MOLT_UNKNOWN_ACTION',
    ['/action', 'there is no action'],
  ] as const,
  ['an argument of another type', { args: { command: 5 } }, 'MOLT_BAD_ARGUMENTS', ['/args/command', 'string']] as const,
  ['an argument within', { args: { command: 'x', env: { A: 5 } } }, 'MOLT_BAD_ARGUMENTS', ['/args/env/A', '']] as const,
  [
    'an argument nobody knows',
    { args: { command: 'x', a: 1 } },
    'MOLT_BAD_ARGUMENTS',
    ['/args/a', 'is not an argument'],
  ] as const,
  ['no arguments', { args: {} }, 'MOLT_BAD_ARGUMENTS', ['/args/command', '']] as const,
  ['more targets than allowed', { on: 'all' }, 'MOLT_TOO_MANY_TARGETS', ['/on', 'matches 6 targets; 3 are']] as const,
  ['a selector of nothing', { on: 'web-9' }, 'MOLT_NO_TARGETS', ['/on', '"web-9"']] as const,
  ['a broken selector', { on: 'web-1 (' }, 'MOLT_BAD_SELECTOR', ['/on', 'expected a name']] as const,
  ['no time at all', { timeout: '0s' }, 'MOLT_BAD_DURATION', ['/timeout', 'longer than nothing']] as const,
  ['no time to connect', { connectTimeout: '0ms' }, 'MOLT_BAD_DURATION', ['/connectTimeout', 'longer than']] as const,
  ['more time than timers hold', { timeout: '7d1ms' }, 'MOLT_BAD_DURATION', ['/timeout', '7d at most']] as const,
  [
    'more time to start',
    { queueTimeout: '8d', class: 'readonly' },
    'MOLT_BAD_DURATION',
    ['/queueTimeout', '7d at most'],
  ] as const,
  [
    'a start after the target has forgotten',
    { queueTimeout: '73h' },
    'MOLT_BAD_DURATION',
    ['/queueTimeout', 'must be 3d (guard.retention) at most'],
  ] as const,
  ['no time in all', { deadline: '0s' }, 'MOLT_BAD_DURATION', ['/deadline', 'longer than nothing']] as const,
  ['a deadline of weeks', { deadline: '8d' }, 'MOLT_BAD_DURATION', ['/deadline', '7d at most']] as const,
  [
    'a guard where none is kept',
    { on: 'bare-1, web-1', class: 'guarded' },
    'MOLT_BAD_REQUEST',
    ['/class', 'cannot be guarded: the guard of bare-1 is off'],
  ] as const,
  [
    'a callback that leads inside',
    { callback: { ...callback, url: 'http://169.254.169.254/' } },
    'MOLT_BAD_CALLBACK',
    ['/callback/url', 'is not public'],
  ] as const,
  ['a silence of months', { idleTimeout: '90d' }, 'MOLT_BAD_DURATION', ['/idleTimeout', '7d at most']] as const,
])('%s is refused with its place, and nothing is recorded', async (_what, request, code, [path, said]) => {
  const lab = await openLab();
  const door = await lab.door();
  const refusal = await door.submit(submission({ request, idempotencyKey: 'k' })).catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code, message: expect.stringContaining(said) });
  expect(refusal).toMatchObject({ places: [{ path, message: expect.stringContaining(said) }] });
  expect([await tasksOf(lab), await lab.queued()]).toEqual([[], []]);
  await expect(door.submit(submission({ idempotencyKey: 'k' }))).resolves.toMatchObject({ created: true });
});

test('the targets of another tenant cannot be named', async () => {
  const lab = await openLab();
  const door = await lab.door();
  const theirs = door.submit(submission({ principal: stranger, request: { on: 'web-2' } }));
  await expect(theirs).rejects.toMatchObject({ code: 'MOLT_NO_TARGETS' });
  expect(door.targets(stranger).map(({ name }) => name)).toEqual(['web-1']);
  expect(door.targets(alice, 'web-* !web-2').map(({ name }) => name)).toEqual(['web-1', 'web-3']);
});

test('the same key gives the same task, however its arguments are ordered', async () => {
  const lab = await openLab();
  const door = await lab.door();
  const args = { command: 'true', env: { A: '1', B: '2' } };
  const turned = { env: { B: '2', A: '1' }, command: 'true' };
  const first = await door.submit(submission({ request: { args }, idempotencyKey: 'k' }));
  const again = await door.submit(submission({ request: { args: turned }, idempotencyKey: 'k' }));
  expect(again).toEqual({ taskId: first.taskId, created: false });
  expect(await lab.queued()).toHaveLength(1);
});

test('over a store that has forgotten it, the same key gives a task of the same id, and another request another', async () => {
  const [door, emptied] = [await (await openLab()).door(), await (await openLab()).door()];
  const first = await door.submit(submission({ idempotencyKey: 'k' }));
  await expect(emptied.submit(submission({ idempotencyKey: 'k' }))).resolves.toEqual({ ...first, created: true });
  const [other, elsewhere] = [await (await openLab()).door(), await (await openLab()).door()];
  const changed = await other.submit(submission({ request: { on: 'web-2' }, idempotencyKey: 'k' }));
  const theirs = await elsewhere.submit(submission({ principal: stranger, idempotencyKey: 'k' }));
  expect(new Set([first, changed, theirs].map(({ taskId }) => taskId)).size).toBe(3);
});

test('another request under the same key is a conflict that names the task', async () => {
  const lab = await openLab();
  const door = await lab.door();
  const { taskId } = await door.submit(submission({ idempotencyKey: 'k' }));
  const conflict = { code: 'MOLT_IDEMPOTENCY_CONFLICT', details: { taskId } };
  for (const request of [
    { args: { command: 'false' } },
    { on: 'web-2' },
    { timeout: '5s' },
    { class: 'readonly' },
    { retries: 1 },
    { callback },
  ] as const) {
    await expect(door.submit(submission({ request, idempotencyKey: 'k' }))).rejects.toMatchObject(conflict);
  }
  expect(await lab.queued()).toHaveLength(1);
});

test('a key belongs to the principal that sent it', async () => {
  const lab = await openLab();
  const door = await lab.door();
  const submitted = await Promise.all(
    [alice, bob, stranger].map((principal) => door.submit(submission({ principal, idempotencyKey: 'k' }))),
  );
  expect(submitted.map(({ created }) => created)).toEqual([true, true, true]);
  expect(new Set(submitted.map(({ taskId }) => taskId)).size).toBe(3);
});

test('of many that come at once under one key, through two doors, one makes the task', async () => {
  const lab = await openLab();
  const registry = createRegistry('first');
  const doors = [await lab.door({ registry }), await lab.door()];
  const submitted = await Promise.all(
    Array.from({ length: 20 }, (_, at) => doors[at % 2]?.submit(submission({ idempotencyKey: 'k' }))),
  );
  expect(new Set(submitted.map((one) => one?.taskId)).size).toBe(1);
  expect(submitted.filter((one) => one?.created)).toHaveLength(1);
  expect([await lab.queued(), await tasksOf(lab)].map(({ length }) => length)).toEqual([1, 1]);
  expect(await registry.metrics()).toMatch(/submissions_total\{tenant="acme",outcome="replayed".*\} 9\n/);
});

test('with the store down nothing is accepted, and nothing is said to be cancelled', async () => {
  const lab = await openLab();
  const door = await lab.door();
  await lab.store.stop();
  await expect(door.submit(submission())).rejects.toMatchObject({ code: 'MOLT_STORE_DOWN' });
  await expect(door.cancel(alice, newId())).rejects.toMatchObject({ code: 'MOLT_STORE_DOWN' });
});

test('the callback travels with the task to where the answer goes', async () => {
  const lab = await openLab();
  const door = await lab.door();
  const { taskId } = await door.submit(
    submission({ request: { callback: { ...callback, url: 'http://hooks.internal/' } } }),
  );
  const origin = { kind: 'http', requestId: 'r-1', callback: { ...callback, url: 'http://hooks.internal/' } };
  expect((await lab.store.getTask('acme', taskId))?.task.origin).toEqual(origin);
  expect((await queuedOrders(lab)).map(({ task }) => task.origin)).toEqual([origin]);
});
