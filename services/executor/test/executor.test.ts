import type { AnyAction } from '@moltbot/plugin-sdk';
import { MoltError, type RunState, type SshTarget } from '@moltbot/shared';
import { expect, test } from 'vitest';
import { createFakeTransport, type FakeCommand } from './support/fake-transport.ts';
import { openLab, testAction } from './support/lab.ts';

const sshTarget: SshTarget = {
  ...{ name: 'far', labels: {}, pool: 'default', transport: 'ssh' },
  ...{ host: '127.0.0.1', port: 22, user: 'root', identity: 'default' },
};

test('a command runs on its target: its output, its end and its times are recorded, and its message is gone', async () => {
  const lab = await openLab();
  const { registry } = await lab.worker({ worker: 'w-1' });
  const order = await lab.accept({ command: 'echo out; echo err >&2; exit 3' });
  const record = await lab.until(order);
  expect(record).toMatchObject({ state: 'failed', exitCode: 3, attempts: 1, worker: 'w-1', truncated: false });
  expect(record).toMatchObject({ stdoutBytes: 4, stderrBytes: 4, startedAt: expect.any(Number) });
  expect(record.finishedAt).toEqual(expect.any(Number));
  expect(await lab.stdout(order)).toBe('out\n');
  await lab.settled();
  const ended = /moltbot_runs_total\{pool="default",state="failed",code="",service="test"\} 1\n/;
  expect(await registry.metrics()).toMatch(ended);
});

test('a command that a signal ended has the exit code that a shell gives it', async () => {
  const lab = await openLab();
  await lab.worker();
  await expect(lab.until(await lab.accept({ command: 'sh -c "kill -KILL \\$\\$"' }))).resolves.toMatchObject({
    ...{ state: 'failed', exitCode: 137 },
  });
});

test('the signal that ended a command is recorded where the transport tells it', async () => {
  const lab = await openLab();
  const onCommand = (command: FakeCommand): void => {
    command.connect();
    command.end({ signal: 'KILL' });
  };
  await lab.worker({ transports: [createFakeTransport({ onCommand })] });
  await expect(lab.until(await lab.accept())).resolves.toMatchObject({ state: 'failed', signal: 'KILL' });
});

test('an action that needs no command runs, and is running before it ends', async () => {
  const lab = await openLab();
  const gate = Promise.withResolvers<void>();
  const hello = testAction('test.hello', {
    async run({ write, args, target }) {
      await write('stdout', `${args.command} ${target.name}`);
      await gate.promise;
      return {};
    },
  });
  await lab.worker({ actions: [hello] });
  const order = await lab.accept({ action: 'test.hello', command: 'hello' });
  await lab.until(order, 'running');
  gate.resolve();
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'succeeded', attempts: 1 });
  expect(await lab.stdout(order)).toBe('hello here');
});

test('an action that touches the world by commands and sent none has run', async () => {
  const lab = await openLab();
  const idle = testAction('test.idle', { effects: 'by-exec', run: async () => ({ exitCode: 0 }) });
  await lab.worker({ actions: [idle], transports: [createFakeTransport()] });
  const order = await lab.accept({ action: 'test.idle' });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'succeeded', startedAt: expect.any(Number) });
});

test('an action with effects of its own is recorded as started before it is called; one without when its command is sent', async () => {
  const lab = await openLab();
  const seen: Record<string, RunState> = {};
  const look =
    (name: string): AnyAction['run'] =>
    async ({ exec, args }) => {
      const { tasks } = await lab.store.listTasks('acme', { limit: 1, action: name });
      const [run] = await lab.store.getRuns('acme', tasks[0]?.task.id ?? '');
      if (run) seen[name] = run.state;
      return name === 'test.own' ? {} : exec(args);
    };
  const actions = [
    testAction('test.own', { run: look('test.own') }),
    testAction('test.exec', { effects: 'by-exec', run: look('test.exec') }),
  ];
  const transport = createFakeTransport();
  await lab.worker({ actions, transports: [transport] });
  await lab.until(await lab.accept({ action: 'test.own' }), 'succeeded');
  const order = await lab.accept({ action: 'test.exec', command: 'x' });
  const command = await transport.command('x');
  expect(await lab.run(order)).toMatchObject({ state: 'claimed' });
  command.connect();
  await lab.until(order, 'running');
  command.end({ exitCode: 0 });
  await lab.until(order, 'succeeded');
  expect(seen).toEqual({ 'test.own': 'running', 'test.exec': 'claimed' });
});

test('several commands of one action are one start', async () => {
  const lab = await openLab();
  const twice = testAction('test.twice', {
    effects: 'by-exec',
    async run({ exec }) {
      await exec({ command: 'printf one' });
      return exec({ command: 'printf two' });
    },
  });
  const { store } = await lab.worker({ actions: [twice] });
  const order = await lab.accept({ action: 'test.twice' });
  await lab.until(order, 'succeeded');
  expect(await lab.stdout(order)).toBe('onetwo');
  expect(store.count('startRun')).toBeLessThanOrEqual(1);
});

test.each([
  ['an action that this executor does not have', { action: 'test.gone' }, 'MOLT_UNKNOWN_ACTION'],
  ['arguments that its version refuses', { args: { command: 5 } }, 'MOLT_BAD_ARGUMENTS'],
  ['a target that it cannot reach', { target: sshTarget }, 'MOLT_TRANSPORT'],
  ['an action with a defect', { action: 'test.broken' }, 'MOLT_ACTION_FAILED'],
])('%s fails the run and says so', async (_what, more, code) => {
  const lab = await openLab();
  const broken = testAction('test.broken', { run: () => Promise.reject(new TypeError('a defect')) });
  const transport = createFakeTransport({ isReady: () => true, onCommand: (command) => command.connect() });
  await lab.worker({ actions: [broken], transports: [transport] });
  const record = await lab.until(await lab.accept({ command: 'x', ...more }));
  expect(record).toMatchObject({ state: 'failed', error: { code, remedy: expect.stringMatching(/./) } });
  expect(transport.sent('x')).toBe(0);
  await lab.settled();
});

test.each([
  ['longest time', { totalMs: 1_000 }, 'MOLT_RUN_TIMEOUT'],
  ['longest silence', { idleMs: 1_000 }, 'MOLT_RUN_IDLE'],
])('a command past its %s is ended, and its processes are gone', async (_what, limits, code) => {
  const lab = await openLab();
  await lab.worker();
  const record = await lab.until(await lab.accept({ command: 'echo first; sleep 600', limits }));
  expect(record).toMatchObject({ state: 'timed-out', error: { code, message: expect.stringContaining('are gone') } });
  expect(record.stdoutBytes).toBe(6);
});

test('output beyond the cap is dropped, the command goes on, and the run says so', async () => {
  const lab = await openLab();
  await lab.worker();
  const order = await lab.accept({ command: 'printf 12345678; printf more >&2; exit 4', limits: { outputBytes: 8 } });
  await expect(lab.until(order)).resolves.toMatchObject({ exitCode: 4, truncated: true });
});

test('a link that is lost after the start leaves the end unknown; one that was never there is a failure', async () => {
  const lab = await openLab();
  const lose =
    (phase: 'before' | 'after'): AnyAction['run'] =>
    async ({ exec }) => {
      if (phase === 'after') await exec({ command: 'x' });
      throw new MoltError('MOLT_SSH_LOST', 'the link broke');
    };
  const actions = (['before', 'after'] as const).map((phase) =>
    testAction(`test.${phase}`, { effects: 'by-exec', run: lose(phase) }),
  );
  const onCommand = (command: { connect(): void; end(result: { exitCode: number }): void }) => {
    command.connect();
    command.end({ exitCode: 0 });
  };
  await lab.worker({ actions, transports: [createFakeTransport({ onCommand })] });
  await expect(lab.until(await lab.accept({ action: 'test.before' }))).resolves.toMatchObject({ state: 'failed' });
  await expect(lab.until(await lab.accept({ action: 'test.after' }))).resolves.toMatchObject({ state: 'unknown' });
});
