import { MoltError } from '@moltbot/shared';
import { eventually } from '@moltbot/testkit';
import { expect, test } from 'vitest';
import { createFakeTransport, type FakeTransport } from './support/fake-transport.ts';
import { connectAtOnce, guarded, impatient, leaseMs, orphan } from './support/guarded-runs.ts';
import { openLab, testAction } from './support/lab.ts';

test('a run whose worker died is taken over: its output is whole, its end is true, and it ran once', async () => {
  const lab = await openLab();
  const host = createFakeTransport(connectAtOnce);
  const order = await orphan(lab, host, 'one ');
  host.target.record(order.runId)?.print('two ');
  const { registry } = await lab.worker({ transports: [host], worker: 'second' });
  await eventually('an attach', () => host.asked('x') === 2);
  const { run } = await host.command('x');
  expect(run.guard).toMatchObject({ id: order.runId, attempt: 1, mode: 'resume', from: { stdout: 4, stderr: 0 } });
  host.target.record(order.runId)?.print('three');
  await eventually('its output', async () => (await lab.stdout(order)) === 'one two three');
  host.target.record(order.runId)?.end({ exitCode: 9 });
  await expect(lab.until(order)).resolves.toMatchObject({
    ...{ state: 'failed', exitCode: 9, attempts: 1, worker: 'second', stdoutBytes: 13 },
  });
  await lab.settled();
  expect([host.sent('x'), host.target.forgotten()]).toEqual([1, [`${order.runId}.1`]]);
  expect(await registry.metrics()).toMatch(/moltbot_run_take_overs_total\{pool="default",service="test"\} 1\n/);
});

test('a take-over of what was recorded as started and never sent starts it', async () => {
  const lab = await openLab();
  const silent = createFakeTransport({ isReady: () => true });
  const dying = await lab.worker({ transports: [silent], leaseMs });
  const order = await lab.accept({ command: 'x', ...guarded });
  await silent.command('x');
  expect(await lab.run(order)).toMatchObject({ state: 'running' });
  await dying.die();
  lab.clock.advance(leaseMs + 1);
  const host = createFakeTransport({ ...connectAtOnce, onLaunch: (_text, record) => record.end({ exitCode: 0 }) });
  await lab.worker({ transports: [host] });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'succeeded', attempts: 1 });
  expect([silent.sent('x'), host.sent('x')]).toEqual([0, 1]);
});

test('a take-over of what its target may have forgotten never starts it', async () => {
  const lab = await openLab();
  const silent = createFakeTransport({ isReady: () => true });
  const dying = await lab.worker({ transports: [silent], leaseMs });
  const order = await lab.accept({ command: 'x', acceptedAt: Date.now() - 3_600_000, ...guarded });
  await silent.command('x');
  await dying.die();
  lab.clock.advance(leaseMs + 1);
  const host = createFakeTransport(connectAtOnce);
  await lab.worker({ transports: [host], patience: { memoryMs: 3_600_000 } });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'unknown', error: { code: 'MOLT_RUN_LOST' } });
  expect(host.sent('x')).toBe(0);
});

test('an action of several commands is run again at take-over: what it wrote and printed before is not stored twice', async () => {
  const lab = await openLab();
  const steps = testAction('test.steps', {
    effects: 'by-exec',
    async run({ exec, write }) {
      await exec({ command: 'a' });
      await write('stdout', '-');
      return exec({ command: 'b' });
    },
  });
  const host = createFakeTransport({
    ...connectAtOnce,
    onLaunch(text, record) {
      record.print(text.repeat(3));
      if (text === 'a') record.end({ exitCode: 0 });
    },
  });
  const dying = await lab.worker({ transports: [host], leaseMs, actions: [steps] });
  const order = await lab.accept({ action: 'test.steps', ...guarded });
  await eventually('its output', async () => (await lab.stdout(order)) === 'aaa-bbb');
  await dying.die();
  lab.clock.advance(leaseMs + 1);
  await lab.worker({ transports: [host], actions: [steps] });
  await eventually('an attach to the second', () => host.asked('b') === 2);
  const second = host.target.record(`${order.runId}-2`);
  second?.print('!');
  second?.end({ exitCode: 0 });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'succeeded' });
  expect(await lab.stdout(order)).toBe('aaa-bbb!');
  expect([host.sent('a'), host.sent('b')]).toEqual([1, 1]);
  expect(host.target.forgotten()).toEqual([`${order.runId}.1`, `${order.runId}-2.1`]);
});

test('an action that stops at a cancel before it looked at its last command does not prove that one gone', async () => {
  const lab = await openLab();
  const steps = testAction('test.steps', {
    effects: 'by-exec',
    async run({ exec, signal }) {
      await exec({ command: 'a' });
      signal.throwIfAborted();
      return exec({ command: 'b' });
    },
  });
  const host = createFakeTransport({
    ...connectAtOnce,
    onLaunch: (text, record) => text === 'a' && record.end({ exitCode: 0 }),
  });
  const dying = await lab.worker({ transports: [host], leaseMs, actions: [steps] });
  const order = await lab.accept({ action: 'test.steps', ...guarded });
  await eventually('the second', () => host.target.record(`${order.runId}-2`));
  await dying.die();
  lab.clock.advance(leaseMs + 1);
  await lab.store.requestCancel('acme', order.task.id);
  await lab.worker({ transports: [host], actions: [steps] });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'unknown' });
  expect(host.target.record(`${order.runId}-2`)?.isRunning()).toBe(true);
});

test('a worker that dies between the end of a silent command and the record of that leaves it timed out, not cancelled', async () => {
  const lab = await openLab();
  const host = createFakeTransport(connectAtOnce);
  const dying = await lab.worker({ transports: [host], leaseMs });
  dying.store.down('finishRun');
  const order = await lab.accept({ command: 'x', ...guarded, limits: { idleMs: 50 } });
  const record = await eventually('its record', () => host.target.record(order.runId));
  await eventually('its end', () => !record.isRunning());
  await dying.die();
  lab.clock.advance(leaseMs + 1);
  await lab.worker({ transports: [host] });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'timed-out', error: { code: 'MOLT_RUN_TIMEOUT' } });
});

test.each([
  ['idleMs', 'MOLT_RUN_IDLE'],
  ['totalMs', 'MOLT_RUN_TIMEOUT'],
])('a guarded command that its executor ends for its %s says so', async (limit, code) => {
  const lab = await openLab();
  await lab.worker({ transports: [createFakeTransport(connectAtOnce)] });
  const order = await lab.accept({ command: 'x', ...guarded, limits: { [limit]: 50 } });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'timed-out', error: { code } });
});

test('a cancel that comes after the end of the command does not change how it ended', async () => {
  const lab = await openLab();
  const host = createFakeTransport(connectAtOnce);
  const order = await orphan(lab, host, 'all');
  host.target.record(order.runId)?.end({ exitCode: 0 });
  await lab.store.requestCancel('acme', order.task.id);
  await lab.worker({ transports: [host] });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'succeeded', exitCode: 0 });
});

test.each([
  ['its own time-out', { endedBy: 'timeout', killed: 'verified' }, 'timed-out', 'MOLT_RUN_TIMEOUT'],
  ['a cancel of another', { endedBy: 'cancel', killed: 'verified' }, 'cancelled', 'MOLT_RUN_CANCELLED'],
  ['a cancel that may have failed', { endedBy: 'cancel', killed: 'unverified' }, 'unknown', 'MOLT_RUN_LOST'],
] as const)('what the target says counts: a command ended by %s', async (_what, result, state, code) => {
  const lab = await openLab();
  const host = createFakeTransport({ ...connectAtOnce, onLaunch: (_text, record) => record.end(result) });
  await lab.worker({ transports: [host] });
  await expect(lab.until(await lab.accept({ command: 'x', ...guarded }))).resolves.toMatchObject({
    ...{ state, error: { code } },
  });
});

test.each([
  ['MOLT_NO_GUARD', 'before', 'failed'],
  ['MOLT_NO_GUARD', 'after', 'failed'],
  ['MOLT_RUN_CANCELLED', 'after', 'cancelled'],
  ['MOLT_RUN_LOST', 'after', 'unknown'],
] as const)('a target that answers %s %s the start: the run is %s', async (code, when, state) => {
  const lab = await openLab();
  const host = createFakeTransport();
  const refusing: FakeTransport = {
    ...host,
    async exec(run) {
      if (when === 'after') await run.onStart();
      throw new MoltError(code, 'so it is');
    },
  };
  await lab.worker({ transports: [refusing] });
  const record = await lab.until(await lab.accept({ command: 'x', ...guarded }));
  expect(record).toMatchObject({ state, attempts: 1, error: { code, message: 'so it is' } });
});

test('a worker that takes over does not believe that nothing ran because no record can be kept', async () => {
  const lab = await openLab();
  const host = createFakeTransport(connectAtOnce);
  const order = await orphan(lab, host, 'one');
  const exec: FakeTransport['exec'] = async (run) => {
    await run.onStart();
    throw new MoltError('MOLT_NO_GUARD', 'no space left');
  };
  const refusing = await impatient(lab, { ...host, exec });
  await eventually('looks', () => refusing.store.count('releaseRun') > 1);
  expect(await lab.run(order)).toMatchObject({ state: 'running' });
  await refusing.die();
  host.target.record(order.runId)?.end({ exitCode: 0 });
  lab.clock.advance(leaseMs + 1);
  await lab.worker({ transports: [host] });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'succeeded' });
});

test('a command whose supervisor was killed is unknown, and not started again', async () => {
  const lab = await openLab();
  const host = createFakeTransport(connectAtOnce);
  const order = await orphan(lab, host, 'one');
  host.target.record(order.runId)?.lose();
  await lab.worker({ transports: [host] });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'unknown', error: { code: 'MOLT_RUN_LOST' } });
  expect(host.sent('x')).toBe(1);
});

test('a store that forgot the attempts learns from the target which one runs, and follows that one', async () => {
  const lab = await openLab();
  const host = createFakeTransport(connectAtOnce);
  // Before the store was emptied, another worker began the third attempt.
  const order = await orphan(lab, host, '');
  host.target.record(order.runId)?.end({ exitCode: 1 });
  const third = { ...(await host.command('x')).run, onStart: async () => {}, onOutput: async () => {} };
  const guard = { id: order.runId, attempt: 3, mode: 'start', totalMs: 0 } as const;
  const following = host.target.arrive(
    { ...third, signal: new AbortController().signal },
    { ...guard, from: { stdout: 0, stderr: 0 }, onAttached: () => {} },
    new AbortController().signal,
  );
  const refusing: FakeTransport = {
    ...host,
    async exec(run) {
      if (run.guard?.attempt !== 1) return host.exec(run);
      await run.onStart();
      throw new MoltError('MOLT_RUN_LOST', 'another attempt has begun', { details: { attempt: 3 } });
    },
  };
  await lab.worker({ transports: [refusing] });
  const record = await eventually('its record', () => host.target.record(order.runId, 3));
  record.print('third');
  record.end({ exitCode: 0 });
  await following;
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'succeeded' });
  expect([await lab.stdout(order), host.target.forgotten()]).toEqual(['third', [`${order.runId}.3`]]);
});

test('a guarded run has one command at a time', async () => {
  const lab = await openLab();
  const both = testAction('test.both', {
    effects: 'by-exec',
    async run({ exec }) {
      const first = exec({ command: 'a' });
      const second = exec({ command: 'b' });
      await Promise.allSettled([first, second]);
      return second;
    },
  });
  const host = createFakeTransport({ ...connectAtOnce, onLaunch: (_text, record) => record.end({ exitCode: 0 }) });
  await lab.worker({ transports: [host], actions: [both] });
  await expect(lab.until(await lab.accept({ action: 'test.both', ...guarded }))).resolves.toMatchObject({
    ...{
      state: 'failed',
      error: { code: 'MOLT_ACTION_FAILED', message: expect.stringContaining('one command at a time') },
    },
  });
  expect([host.sent('a'), host.sent('b')]).toEqual([1, 0]);
});

test('a guarded class without a guard on the target, or with effects of its own, is at most once', async () => {
  const lab = await openLab();
  const host = createFakeTransport(connectAtOnce);
  const own = testAction('test.own', { run: ({ exec }) => exec({ command: 'own' }) });
  const dying = await lab.worker({ transports: [host], leaseMs, actions: [own] });
  const here = { name: 'here', labels: {}, pool: 'default', transport: 'local' } as const;
  const off = await lab.accept({ command: 'off', target: { ...here, guard: 'off' }, ...guarded });
  const acting = await lab.accept({ action: 'test.own', ...guarded });
  for (const text of ['off', 'own']) expect((await host.command(text)).run.guard).toBeUndefined();
  await lab.until(off, 'running');
  await dying.die();
  lab.clock.advance(leaseMs + 1);
  await lab.worker({ transports: [host], actions: [own] });
  for (const order of [off, acting]) await expect(lab.until(order)).resolves.toMatchObject({ state: 'unknown' });
  expect([host.sent('off'), host.sent('own')]).toEqual([1, 1]);
});

test('a worker that does not know the action leaves a started run to one that does', async () => {
  const lab = await openLab();
  const run = testAction('test.new', { effects: 'by-exec', run: ({ exec }) => exec({ command: 'x' }) });
  const host = createFakeTransport(connectAtOnce);
  const dying = await lab.worker({ transports: [host], leaseMs, actions: [run] });
  const order = await lab.accept({ action: 'test.new', ...guarded });
  const record = await eventually('its record', () => host.target.record(order.runId));
  await dying.die();
  lab.clock.advance(leaseMs + 1);
  const older = await lab.worker({ transports: [host] });
  await eventually('looks', () => older.store.count('releaseRun') > 1);
  expect(await lab.run(order)).toMatchObject({ state: 'running' });
  record.end({ exitCode: 0 });
  await lab.worker({ transports: [host], actions: [run] });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'succeeded' });
});

test('forced to stop, a worker hands a started run over: the next goes on with it, output and all', async () => {
  const lab = await openLab();
  const host = createFakeTransport(connectAtOnce);
  const { executor, link } = await lab.worker({ transports: [host], leaseMs: 600_000 });
  const order = await lab.accept({ command: 'x', ...guarded });
  const command = await host.command('x');
  const record = await eventually('its record', () => host.target.record(order.runId));
  record.print('one ');
  await executor.quiesce(AbortSignal.abort());
  await executor.stop();
  expect([command.released(), command.run.signal.aborted, link.inHand()]).toEqual([true, false, 0]);
  expect(await lab.run(order)).toMatchObject({ state: 'running' });
  record.print('two');
  record.end({ exitCode: 0 });
  await lab.worker({ transports: [host], worker: 'second' });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'succeeded', worker: 'second', attempts: 1 });
  expect([await lab.stdout(order), host.sent('x')]).toEqual(['one two', 1]);
});

test('what left no output on its target is not asked to be removed there', async () => {
  const lab = await openLab();
  const steps = testAction('test.steps', {
    effects: 'by-exec',
    async run({ exec }) {
      for (const command of ['silent', 'stdout', 'stderr']) await exec({ command });
      return exec({ command: 'silent' });
    },
  });
  const host = createFakeTransport({
    ...connectAtOnce,
    onLaunch(text, record) {
      if (text !== 'silent') record.print('words', text === 'stderr' ? 'stderr' : 'stdout');
      record.end({ exitCode: 0 });
    },
  });
  await lab.worker({ transports: [host], actions: [steps] });
  const order = await lab.accept({ action: 'test.steps', ...guarded });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'succeeded' });
  await lab.settled();
  expect(host.target.forgotten()).toEqual([`${order.runId}-2.1`, `${order.runId}-3.1`]);
});
