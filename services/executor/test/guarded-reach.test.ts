import { envelope, type RunOrder } from '@moltbot/shared';
import { eventually } from '@moltbot/testkit';
import { expect, test } from 'vitest';
import { createFakeTransport } from './support/fake-transport.ts';
import { connectAtOnce, guarded, impatient, orphan } from './support/guarded-runs.ts';
import { type Lab, openLab } from './support/lab.ts';

async function cancel(lab: Lab, { task }: RunOrder): Promise<void> {
  await lab.store.requestCancel('acme', task.id);
  await lab.bus.broadcast(envelope('cancel', { tenant: 'acme', trace: 't', body: { taskId: task.id } }));
}

test('a link that breaks is made again here, and the output goes on where it was', async () => {
  const lab = await openLab();
  const host = createFakeTransport(connectAtOnce);
  const { store } = await lab.worker({ transports: [host] });
  const order = await lab.accept({ command: 'x', ...guarded });
  const command = await host.command('x');
  const record = await eventually('its record', () => host.target.record(order.runId));
  record.print('one ');
  await eventually('its output', async () => (await lab.stdout(order)) === 'one ');
  command.breakLink();
  record.print('two');
  record.end({ exitCode: 0 });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'succeeded', attempts: 1 });
  const { run } = await host.command('x');
  expect(run.guard).toMatchObject({ id: order.runId, attempt: 1, mode: 'resume', from: { stdout: 4, stderr: 0 } });
  expect([await lab.stdout(order), host.sent('x'), store.count('claimRun')]).toEqual(['one two', 1, 1]);
});

test('a link that breaks again and again is made again for as long as the target is reached in between', async () => {
  const lab = await openLab();
  const host = createFakeTransport(connectAtOnce);
  const { store } = await impatient(lab, host);
  const order = await lab.accept({ command: 'x', ...guarded });
  const record = await eventually('its record', () => host.target.record(order.runId));
  for (const piece of ['1', '2', '3', '4']) {
    record.print(piece);
    await eventually('its output', async () => (await lab.stdout(order)).endsWith(piece));
    (await host.command('x')).breakLink();
  }
  record.end({ exitCode: 0 });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'succeeded' });
  expect([await lab.stdout(order), store.count('releaseRun')]).toEqual(['1234', 0]);
});

test('a target out of reach is looked at again later, without a slot, until it is back', async () => {
  const lab = await openLab();
  const host = createFakeTransport(connectAtOnce);
  await impatient(lab, host, { slots: 1 });
  const order = await lab.accept({ command: 'x', ...guarded });
  const record = await eventually('its record', () => host.target.record(order.runId));
  record.print('one ');
  host.cut();
  const { store } = await impatient(lab, host, { slots: 1 });
  await eventually('looks of both', () => store.count('releaseRun') > 0);
  expect(await lab.run(order)).toMatchObject({ state: 'running' });
  record.print('two');
  record.end({ exitCode: 3 });
  host.mend();
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'failed', exitCode: 3, attempts: 1 });
  expect([await lab.stdout(order), host.sent('x')]).toEqual(['one two', 1]);
  await lab.settled();
});

test('a target that stays out of reach for too long leaves the end unknown', async () => {
  const lab = await openLab();
  const host = createFakeTransport(connectAtOnce);
  const { store } = await impatient(lab, host, { clock: lab.clock, patience: { reattachMs: 50, giveUpMs: 100_000 } });
  const order = await lab.accept({ command: 'x', ...guarded, limits: { totalMs: 60_000 } });
  await eventually('its record', () => host.target.record(order.runId));
  host.cut();
  await eventually('several looks', () => store.count('releaseRun') > 1);
  expect(await lab.run(order)).toMatchObject({ state: 'running' });
  lab.clock.advance(161_000);
  const record = await lab.until(order);
  expect(record).toMatchObject({
    state: 'unknown',
    error: { code: 'MOLT_RUN_LOST', message: expect.stringContaining('could not be reached') },
  });
  await lab.settled();
});

test('a run whose cancel was asked for while nobody held it is ended by the worker that takes it over', async () => {
  const lab = await openLab();
  const asked: (readonly [string | undefined, boolean])[] = [];
  const host = createFakeTransport({
    onCommand(command) {
      asked.push([command.run.guard?.mode, command.run.signal.aborted]);
      command.connect();
    },
  });
  const order = await orphan(lab, host, 'one');
  await lab.store.requestCancel('acme', order.task.id);
  await lab.worker({ transports: [host] });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'cancelled', error: { code: 'MOLT_RUN_CANCELLED' } });
  expect(asked).toEqual([
    ['start', false],
    ['resume', true],
  ]);
  expect(host.target.record(order.runId)?.isRunning()).toBe(false);
});

test('a cancel of a run that is out of reach is not believed before the target says so', async () => {
  const lab = await openLab();
  const host = createFakeTransport(connectAtOnce);
  const { store } = await impatient(lab, host);
  const order = await lab.accept({ command: 'x', ...guarded });
  const record = await eventually('its record', () => host.target.record(order.runId));
  host.cut();
  await cancel(lab, order);
  await eventually('looks', () => store.count('releaseRun') > 1);
  expect([(await lab.run(order)).state, record.isRunning()]).toEqual(['running', true]);
  host.mend();
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'cancelled' });
  expect(record.isRunning()).toBe(false);
});
