import { eventually } from '@moltbot/testkit';
import { expect, test } from 'vitest';
import { createFakeTransport } from './support/fake-transport.ts';
import { openLab } from './support/lab.ts';

const never = (): AbortSignal => new AbortController().signal;

test('an executor that quiesces finishes what runs and gives back what waits', async () => {
  const lab = await openLab();
  const transport = createFakeTransport();
  const { executor } = await lab.worker({ transports: [transport], slots: 1, worker: 'first' });
  const runs = await lab.accept({ command: 'runs' });
  const command = await transport.command('runs');
  const waits = await lab.accept({ command: 'waits' });
  command.connect();
  await lab.until(runs, 'running');
  let isQuiet = false;
  const quiet = executor.quiesce(never()).then(() => {
    isQuiet = true;
  });
  const late = await lab.accept({ command: 'late' });
  const second = createFakeTransport({ onCommand: (begun) => begun.connect() });
  await lab.worker({ transports: [second], worker: 'second' });
  for (const [order, text] of [
    [waits, 'waits'],
    [late, 'late'],
  ] as const) {
    (await second.command(text)).end({ exitCode: 0 });
    await expect(lab.until(order)).resolves.toMatchObject({ state: 'succeeded', worker: 'second', attempts: 1 });
  }
  expect(isQuiet).toBe(false);
  command.end({ exitCode: 0 });
  await quiet;
  await expect(lab.until(runs)).resolves.toMatchObject({ state: 'succeeded', worker: 'first' });
  expect(['runs', 'waits', 'late'].map((text) => transport.sent(text))).toEqual([1, 0, 0]);
  await lab.settled();
});

test('forced, a run that had not started is run by the next executor', async () => {
  const lab = await openLab();
  const transport = createFakeTransport();
  const { executor } = await lab.worker({ transports: [transport], worker: 'first' });
  const order = await lab.accept({ command: 'x' });
  const command = await transport.command('x');
  const force = new AbortController();
  const quiet = executor.quiesce(force.signal);
  force.abort();
  await quiet;
  await executor.stop();
  expect(command.released()).toBe(true);
  expect(await lab.run(order)).toMatchObject({ state: 'queued' });
  // Its connection comes up after all: too late.
  command.connect();
  const second = createFakeTransport({ onCommand: (begun) => begun.connect() });
  await lab.worker({ transports: [second], worker: 'second' });
  (await second.command('x')).end({ exitCode: 0 });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'succeeded', worker: 'second', attempts: 2 });
  expect([transport.sent('x'), second.sent('x')]).toEqual([0, 1]);
  await lab.settled();
});

test('forced, a run that had started ends unknown, its command goes on, and nobody starts it again', async () => {
  const lab = await openLab();
  const transport = createFakeTransport();
  const { executor, link } = await lab.worker({ transports: [transport] });
  const order = await lab.accept({ command: 'x' });
  const command = await transport.command('x');
  command.connect();
  await lab.until(order, 'running');
  await command.print('before');
  await executor.quiesce(AbortSignal.abort());
  await expect(lab.run(order)).resolves.toMatchObject({ state: 'unknown', error: { code: 'MOLT_RUN_LOST' } });
  expect(command.run.signal.aborted).toBe(false);
  expect(command.released()).toBe(true);
  expect(link.inHand()).toBe(0);
  await executor.stop();
  const second = createFakeTransport({ onCommand: (begun) => begun.connect() });
  await lab.worker({ transports: [second] });
  await lab.publish(order);
  await lab.settled();
  expect(second.sent('x')).toBe(0);
  expect(await lab.stdout(order)).toBe('before');
});

test('a started command of this host outlives the executor that let go of it', async () => {
  const lab = await openLab();
  const { executor } = await lab.worker();
  const order = await lab.accept({ command: 'echo $$; exec sleep 600' });
  const pid = Number(await eventually('its pid', async () => /^(\d+)\n/.exec(await lab.stdout(order))?.[1]));
  await executor.quiesce(AbortSignal.abort());
  await executor.stop();
  await expect(lab.run(order)).resolves.toMatchObject({ state: 'unknown' });
  expect(process.kill(pid, 'SIGKILL')).toBe(true);
});

test('what is handed out while an executor stops goes back', async () => {
  const lab = await openLab();
  const transport = createFakeTransport();
  const { executor } = await lab.worker({ transports: [transport] });
  const stopping = executor.quiesce(never());
  const orders = await Promise.all(['a', 'b', 'c'].map((command) => lab.accept({ command })));
  await stopping;
  await executor.stop();
  expect(await Promise.all(orders.map(async (order) => (await lab.run(order)).state))).toEqual(
    orders.map(() => 'queued'),
  );
  await lab.worker();
  for (const order of orders) await lab.until(order);
});

test('forced while it claims, an executor gives back what it gets', async () => {
  const lab = await openLab();
  const transport = createFakeTransport({ onCommand: (begun) => begun.connect() });
  const { executor, store } = await lab.worker({ transports: [transport] });
  store.down('claimRun');
  const order = await lab.accept({ command: 'x' });
  await eventually('a claim', () => store.count('claimRun') > 0);
  const quiet = executor.quiesce(AbortSignal.abort());
  store.up();
  await quiet;
  await executor.stop();
  expect([(await lab.run(order)).state, transport.sent('x')]).toEqual(['queued', 0]);
});
