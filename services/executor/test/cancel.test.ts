import { envelope, type RunOrder } from '@moltbot/shared';
import { eventually } from '@moltbot/testkit';
import { expect, test } from 'vitest';
import { createFakeTransport } from './support/fake-transport.ts';
import { type Lab, openLab } from './support/lab.ts';
import { groupMembers } from './transports/support.ts';

/** What the door does: the record first, then a word to all workers. */
async function cancel(lab: Lab, { task }: RunOrder, heard = true): Promise<void> {
  await lab.store.requestCancel('acme', task.id);
  if (heard) await lab.bus.broadcast(envelope('cancel', { tenant: 'acme', trace: 't', body: { taskId: task.id } }));
}

test('a run that waits for a slot is cancelled, and never gets one', async () => {
  const lab = await openLab();
  const transport = createFakeTransport({ onCommand: (begun) => begun.connect() });
  await lab.worker({ transports: [transport], slots: 1 });
  const [runs, waits] = [await lab.accept({ command: 'runs' }), await lab.accept({ command: 'waits' })];
  const command = await transport.command('runs');
  await cancel(lab, waits);
  expect(await lab.run(waits)).toMatchObject({ state: 'cancelled' });
  command.end({ exitCode: 0 });
  await lab.settled();
  expect(await lab.run(runs)).toMatchObject({ state: 'succeeded' });
  expect(await lab.run(waits)).toMatchObject({ state: 'cancelled', attempts: 0 });
  expect(transport.sent('waits')).toBe(0);
});

test.each([
  ['by the word to all', true],
  ['with its lease, when the word was lost', false],
])('a run that connects learns of its cancel %s, and nothing is sent', async (_how, heard) => {
  const lab = await openLab();
  const transport = createFakeTransport();
  await lab.worker({ transports: [transport], leaseMs: heard ? 600_000 : 300 });
  const order = await lab.accept({ command: 'x' });
  await transport.command('x');
  await cancel(lab, order, heard);
  const record = await lab.until(order);
  expect(record).toMatchObject({ state: 'cancelled' });
  await lab.settled();
  expect(transport.sent('x')).toBe(0);
});

test('a cancel that no worker heard of is found at the start', async () => {
  const lab = await openLab();
  const transport = createFakeTransport();
  await lab.worker({ transports: [transport], leaseMs: 600_000 });
  const order = await lab.accept({ command: 'x' });
  const command = await transport.command('x');
  await cancel(lab, order, false);
  command.connect();
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'cancelled' });
  await lab.settled();
  expect(transport.sent('x')).toBe(0);
});

test.each([
  ['by the word to all', true],
  ['with its lease, when the word was lost', false],
])('a run learns of its cancel %s: cancelled means that its processes are gone', async (_how, heard) => {
  const lab = await openLab();
  await lab.worker({ leaseMs: heard ? 600_000 : 300 });
  const order = await lab.accept({ command: 'echo $$; trap "" TERM; sleep 600 & wait; wait' });
  const pid = Number(await eventually('its pid', async () => /^(\d+)\n/.exec(await lab.stdout(order))?.[1]));
  await cancel(lab, order, heard);
  const record = await lab.until(order);
  expect(record).toMatchObject({ state: 'cancelled', error: { code: 'MOLT_RUN_CANCELLED' } });
  expect(await groupMembers(pid)).toEqual([]);
  await lab.settled();
});

test('a command that may have outlived its cancel is unknown, not cancelled', async () => {
  const lab = await openLab();
  const transport = createFakeTransport({ onCommand: (begun) => begun.connect() });
  await lab.worker({
    transports: [
      {
        ...transport,
        exec: async (run) => ({ ...(await transport.exec(run)), killed: 'unverified' }),
      },
    ],
  });
  const order = await lab.accept({ command: 'x' });
  await lab.until(order, 'running');
  await cancel(lab, order);
  const record = await lab.until(order);
  expect(record).toMatchObject({ state: 'unknown', error: { message: expect.stringContaining('may still run') } });
});

test('the other tasks of an executor are not touched', async () => {
  const lab = await openLab();
  const transport = createFakeTransport({ onCommand: (begun) => begun.connect() });
  await lab.worker({ transports: [transport] });
  const [one, other] = [await lab.accept({ command: 'one' }), await lab.accept({ command: 'other' })];
  const command = await transport.command('other');
  await transport.command('one');
  await lab.until(other, 'running');
  await cancel(lab, one);
  await lab.until(one, 'cancelled');
  expect(command.run.signal.aborted).toBe(false);
  command.end({ exitCode: 0 });
  await lab.until(other, 'succeeded');
});
