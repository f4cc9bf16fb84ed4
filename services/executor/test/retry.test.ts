import { MoltError, type Task } from '@moltbot/shared';
import { eventually } from '@moltbot/testkit';
import { expect, test } from 'vitest';
import { attemptsAtMost, rungAfter } from '../src/retry-policy.ts';
import { createFakeTransport, type FakeCommand, type FakeTransport } from './support/fake-transport.ts';
import { newOrder, openLab, testAction } from './support/lab.ts';

const leaseMs = 10_000;
const connectAtOnce = { onCommand: (command: FakeCommand) => command.connect() };

/** Refuses with these codes, one command after the other; the next one ends well. */
function createMoodyHost(codes: readonly MoltError['code'][]): FakeTransport {
  let nth = 0;
  return createFakeTransport({
    onCommand(command) {
      const code = codes[nth++];
      if (code) command.refuse(new MoltError(code, `refused by ${code}`));
      else command.connect();
    },
    onLaunch: (_text, record) => record.end({ exitCode: 0 }),
  });
}

test('the ladder grows with the attempts', () => {
  expect([1, 2, 3, 4, 5, 11].map(rungAfter)).toEqual(['5s', '30s', '2m', '10m', '10m', '10m']);
});

test.each([
  ['what was not sent', false, [1, 2, 11]],
  ['what may have been sent', true, [3, 3, 11]],
])('%s has as many attempts as its retries allow', (_what, wasSent, attempts) => {
  expect([0, 1, 10].map((retries) => attemptsAtMost(newOrder({ retries }), wasSent))).toEqual(attempts);
});

test.each(['guarded', 'at-most-once', 'readonly', 'idempotent'] as const)(
  'a %s run that failed before it was sent is tried again, and its attempts are noted',
  async (runClass) => {
    const lab = await openLab();
    const host = createMoodyHost(['MOLT_SSH_UNREACHABLE', 'MOLT_SSH_BUSY']);
    const { registry } = await lab.worker({ transports: [host] });
    const order = await lab.accept({ command: 'x', class: runClass, retries: 2 });
    if (runClass !== 'guarded') {
      await eventually('the third', () => host.asked('x') === 3);
      (await host.command('x')).end({ exitCode: 0 });
    }
    const record = await lab.until(order);
    expect(record).toMatchObject({ state: 'succeeded', attempts: 3, error: undefined });
    expect(record.history.map(({ attempt, error }) => [attempt, error.code])).toEqual([
      [1, 'MOLT_SSH_UNREACHABLE'],
      [2, 'MOLT_SSH_BUSY'],
    ]);
    await lab.settled();
    expect(host.sent('x')).toBe(1);
    expect(await registry.metrics()).toMatch(
      /moltbot_run_retries_total\{pool="default",code="MOLT_SSH_BUSY",service="test"\} 1\n/,
    );
  },
);

test('after its last attempt a run fails with the error, and says how many attempts there were', async () => {
  const lab = await openLab();
  await lab.worker({ transports: [createMoodyHost(Array(9).fill('MOLT_SSH_TIMEOUT'))] });
  const record = await lab.until(await lab.accept({ command: 'x', retries: 3 }));
  expect(record).toMatchObject({ state: 'failed', attempts: 4, error: { code: 'MOLT_SSH_TIMEOUT' } });
  expect(record.error?.message).toContain('4 attempts');
  await lab.settled();
});

test.each([
  'MOLT_SSH_HOST_KEY_CHANGED',
  'MOLT_SSH_HOST_KEY_UNKNOWN',
  'MOLT_SSH_IDENTITY',
  'MOLT_SSH_REFUSED_KEY',
  'MOLT_NO_GUARD',
] as const)('what does not pass by itself is not tried again: %s', async (code) => {
  const lab = await openLab();
  const host = createMoodyHost([code]);
  await lab.worker({ transports: [host] });
  const order = await lab.accept({ command: 'x', class: 'guarded', retries: 3 });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'failed', attempts: 1, error: { code } });
  expect(host.asked('x')).toBe(1);
});

test('an exit code is an end, whatever may run again', async () => {
  const lab = await openLab();
  await lab.worker();
  const order = await lab.accept({ command: 'exit 75', class: 'readonly', retries: 3 });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'failed', exitCode: 75, attempts: 1 });
});

test('a start that was recorded with the claim and not sent is no obstacle to another attempt', async () => {
  const lab = await openLab();
  let nth = 0;
  const onCommand = (command: FakeCommand): void => {
    if (nth++ === 0) command.refuse(new MoltError('MOLT_SSH_LOST', 'just gone'));
    else {
      command.connect();
      command.end({ exitCode: 0 });
    }
  };
  const host = createFakeTransport({ isReady: () => true, onCommand });
  await lab.worker({ transports: [host] });
  const order = await lab.accept({ command: 'x', retries: 1 });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'succeeded', attempts: 2 });
  expect(host.sent('x')).toBe(1);
});

test.each([
  ['readonly', 3, 'unknown'],
  ['idempotent', 3, 'unknown'],
  ['at-most-once', 1, 'unknown'],
] as const)(
  'a %s run whose link breaks while it runs has %i attempts, then ends %s',
  async (runClass, attempts, state) => {
    const lab = await openLab();
    const lose = testAction('test.lose', {
      effects: 'by-exec',
      async run({ exec }) {
        await exec({ command: 'x' });
        throw new MoltError('MOLT_SSH_LOST', 'the link broke');
      },
    });
    const onCommand = (command: FakeCommand): void => {
      command.connect();
      command.end({ exitCode: 0 });
    };
    const host = createFakeTransport({ onCommand });
    await lab.worker({ transports: [host], actions: [lose] });
    const order = await lab.accept({ action: 'test.lose', class: runClass });
    await expect(lab.until(order)).resolves.toMatchObject({ state, attempts, error: { code: 'MOLT_SSH_LOST' } });
    await lab.settled();
    expect(host.sent('x')).toBe(attempts);
  },
);

test('the output of the attempts of a run follows each other', async () => {
  const lab = await openLab();
  const host = createFakeTransport(connectAtOnce);
  await lab.worker({ transports: [host] });
  const order = await lab.accept({ command: 'x', class: 'readonly' });
  await lab.until(order, 'running');
  const first = await host.command('x');
  await first.print('first ');
  first.breakLink();
  await eventually('another attempt', () => host.sent('x') === 2);
  const second = await host.command('x');
  await second.print('second');
  second.end({ exitCode: 0 });
  await expect(lab.until(order)).resolves.toMatchObject({
    state: 'succeeded',
    history: [{ attempt: 1, stdoutBytes: 6, stderrBytes: 0 }],
  });
  expect(await lab.stdout(order)).toBe('first second');
});

test.each([
  ['readonly', 'succeeded', 2],
  ['at-most-once', 'unknown', 1],
] as const)('a started %s run whose worker died: %s', async (runClass, state, sent) => {
  const lab = await openLab();
  const host = createFakeTransport(connectAtOnce);
  const dying = await lab.worker({ transports: [host], leaseMs });
  const order = await lab.accept({ command: 'x', class: runClass });
  await lab.until(order, 'running');
  await dying.die();
  lab.clock.advance(leaseMs + 1);
  await lab.worker({ transports: [host] });
  if (runClass === 'readonly') {
    await eventually('another attempt', () => host.sent('x') === 2);
    (await host.command('x')).end({ exitCode: 0 });
  }
  const record = await lab.until(order);
  expect([record.state, host.sent('x')]).toEqual([state, sent]);
  if (runClass === 'readonly') {
    const message = expect.stringContaining('worker was lost');
    expect(record.history).toMatchObject([{ attempt: 1, error: { code: 'MOLT_RUN_LOST', message } }]);
  }
});

test('a cancelled run that may still run somewhere is unknown: it is neither tried again nor called cancelled', async () => {
  const lab = await openLab();
  const host = createFakeTransport(connectAtOnce);
  const dying = await lab.worker({ transports: [host], leaseMs });
  const order = await lab.accept({ command: 'x', class: 'readonly' });
  await lab.until(order, 'running');
  await dying.die();
  await lab.store.requestCancel('acme', order.task.id);
  lab.clock.advance(leaseMs + 1);
  await lab.worker({ transports: [host] });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'unknown', attempts: 1 });
  expect(host.sent('x')).toBe(1);
});

test('forced to stop, a worker gives a started run that may run again to the next', async () => {
  const lab = await openLab();
  const host = createFakeTransport(connectAtOnce);
  const { executor } = await lab.worker({ transports: [host] });
  const order = await lab.accept({ command: 'x', class: 'idempotent' });
  await lab.until(order, 'running');
  await executor.quiesce(AbortSignal.abort());
  await executor.stop();
  await lab.worker({ transports: [host] });
  await eventually('another attempt', () => host.sent('x') === 2);
  (await host.command('x')).end({ exitCode: 0 });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'succeeded', attempts: 2 });
});

test('forced to stop, a worker gives back what was recorded as started and was not sent', async () => {
  const lab = await openLab();
  const first = createFakeTransport({ isReady: () => true });
  const { executor } = await lab.worker({ transports: [first] });
  const order = await lab.accept({ command: 'x' });
  await first.command('x');
  await executor.quiesce(AbortSignal.abort());
  await executor.stop();
  expect(await lab.run(order)).toMatchObject({ state: 'queued' });
  const second = createFakeTransport(connectAtOnce);
  await lab.worker({ transports: [second] });
  (await second.command('x')).end({ exitCode: 0 });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'succeeded' });
  expect([first.sent('x'), second.sent('x')]).toEqual([0, 1]);
});

const late = (limits: Partial<Task['limits']>) => ({ acceptedAt: Date.now() - 60_000, limits });

test.each([
  ['its time to start', late({ queueMs: 30_000 })],
  ['its deadline', late({ deadlineMs: 30_000 })],
])('a run that is past %s when it comes is expired, and never sent', async (_what, task) => {
  const lab = await openLab();
  const host = createFakeTransport({ ...connectAtOnce, isReady: () => true });
  await lab.worker({ transports: [host] });
  const record = await lab.until(await lab.accept({ command: 'x', ...task }));
  expect(record).toMatchObject({ state: 'expired', error: { code: 'MOLT_RUN_EXPIRED' }, startedAt: undefined });
  await lab.settled();
  expect(host.sent('x')).toBe(0);
});

test('a run whose time to start passes while it connects is expired', async () => {
  const lab = await openLab();
  const host = createFakeTransport();
  await lab.worker({ transports: [host], clock: lab.clock });
  const order = await lab.accept({ command: 'x', limits: { queueMs: 30_000 } });
  const command = await host.command('x');
  lab.clock.advance(30_001);
  command.connect();
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'expired', error: { code: 'MOLT_RUN_EXPIRED' } });
  expect(host.sent('x')).toBe(0);
});

test('a started run does not expire: it is attached to past its time to start', async () => {
  const lab = await openLab();
  const host = createFakeTransport(connectAtOnce);
  const dying = await lab.worker({ transports: [host], leaseMs });
  const order = await lab.accept({ command: 'x', class: 'guarded', limits: { queueMs: 30_000 } });
  const record = await eventually('its record', () => host.target.record(order.runId));
  await dying.die();
  lab.clock.advance(60_000);
  await lab.worker({ transports: [host], clock: lab.clock });
  record.end({ exitCode: 0 });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'succeeded' });
});

test('a deadline ends what runs, and bounds what the target allows it', async () => {
  const lab = await openLab();
  const host = createFakeTransport();
  await lab.worker({ transports: [host], clock: lab.clock, leaseMs: 600_000 });
  const order = await lab.accept({ command: 'x', class: 'guarded', limits: { deadlineMs: 30_000 } });
  const command = await host.command('x');
  // All but its last moments go by before it starts.
  lab.clock.advance(order.task.acceptedAt + 29_900 - lab.clock.now());
  command.connect();
  const record = await lab.until(order);
  expect(record).toMatchObject({ state: 'timed-out', error: { code: 'MOLT_RUN_TIMEOUT' } });
  expect(record.error?.message).toContain('deadline');
  const { run } = await host.command('x');
  expect(run.guard?.totalMs).toBeGreaterThan(0);
  expect(run.guard?.totalMs).toBeLessThanOrEqual(30_000);
  expect(host.target.record(order.runId)?.isRunning()).toBe(false);
});
