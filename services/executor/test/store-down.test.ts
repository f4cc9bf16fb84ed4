import { eventually } from '@moltbot/testkit';
import { expect, test } from 'vitest';
import { createFakeTransport, type FakeCommand } from './support/fake-transport.ts';
import { openLab } from './support/lab.ts';

const connectAtOnce = { onCommand: (command: FakeCommand) => command.connect() };

test('a command that ends while the store is down is recorded when it is back, and was run once', async () => {
  const lab = await openLab();
  const transport = createFakeTransport(connectAtOnce);
  const { store } = await lab.worker({ transports: [transport] });
  const order = await lab.accept({ command: 'x' });
  const command = await transport.command('x');
  await lab.until(order, 'running');
  await command.print('one ');
  await eventually('its first output', async () => (await lab.stdout(order)) === 'one ');
  store.down();
  await command.print('two ');
  await eventually('an append that failed', () => store.count('appendOutput') > 1);
  await command.print('three');
  command.end({ exitCode: 7 });
  store.up();
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'failed', exitCode: 7, attempts: 1 });
  expect(await lab.stdout(order)).toBe('one two three');
  await lab.settled();
  expect(transport.sent('x')).toBe(1);
});

test('a run that is delivered while the store is down waits for it, and is run once', async () => {
  const lab = await openLab();
  const transport = createFakeTransport(connectAtOnce);
  const { store } = await lab.worker({ transports: [transport] });
  store.down();
  const order = await lab.accept({ command: 'x' });
  await eventually('claims that failed', () => store.count('claimRun') > 2);
  expect(transport.sent('x')).toBe(0);
  store.up();
  (await transport.command('x')).end({ exitCode: 0 });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'succeeded', attempts: 1 });
  await lab.settled();
  expect(transport.sent('x')).toBe(1);
});

test('no command is sent before its start is recorded', async () => {
  const lab = await openLab();
  const transport = createFakeTransport(connectAtOnce);
  const { store } = await lab.worker({ transports: [transport] });
  store.down('startRun', 'finishRun');
  const order = await lab.accept({ command: 'x' });
  await eventually('starts that failed', () => store.count('startRun') > 2);
  expect(transport.sent('x')).toBe(0);
  expect(await lab.run(order)).toMatchObject({ state: 'claimed' });
  store.up();
  (await transport.command('x')).end({ exitCode: 0 });
  await lab.until(order, 'succeeded');
  expect(transport.sent('x')).toBe(1);
});

test('an end whose answer was lost is recorded once', async () => {
  const lab = await openLab();
  const transport = createFakeTransport(connectAtOnce);
  const { store } = await lab.worker({ transports: [transport] });
  const order = await lab.accept({ command: 'x' });
  const command = await transport.command('x');
  await lab.until(order, 'running');
  store.loseAnswer('finishRun');
  command.end({ exitCode: 0 });
  await lab.settled();
  await expect(lab.run(order)).resolves.toMatchObject({ state: 'succeeded', attempts: 1 });
  expect(store.count('finishRun')).toBe(2);
});

test('a claim whose answer was lost is not taken for the claim of another worker', async () => {
  const lab = await openLab();
  const transport = createFakeTransport(connectAtOnce);
  const { store } = await lab.worker({ transports: [transport] });
  store.loseAnswer('claimRun');
  const order = await lab.accept({ command: 'x' });
  (await transport.command('x')).end({ exitCode: 0 });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'succeeded' });
  expect(transport.sent('x')).toBe(1);
});

test('a claim that was a start as well, and whose answer was lost, is answered the same: it starts, once', async () => {
  const lab = await openLab();
  const transport = createFakeTransport({ ...connectAtOnce, isReady: () => true });
  const { store } = await lab.worker({ transports: [transport], leaseMs: 600_000 });
  store.loseAnswer('claimRun');
  const order = await lab.accept({ command: 'x' });
  (await transport.command('x')).end({ exitCode: 0 });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'succeeded', attempts: 1 });
  await lab.settled();
  expect([transport.sent('x'), store.count('claimRun')]).toEqual([1, 2]);
});

test('the leases of a long run are renewed: nobody takes it over', async () => {
  const lab = await openLab();
  const leaseMs = 3_000;
  const transport = createFakeTransport(connectAtOnce);
  const { store } = await lab.worker({ transports: [transport], leaseMs, worker: 'first' });
  const order = await lab.accept({ command: 'x' });
  const command = await transport.command('x');
  await lab.until(order, 'running');
  const second = await lab.worker({ transports: [createFakeTransport(connectAtOnce)], worker: 'second' });
  for (let renewals = 1; renewals <= 3; renewals += 1) {
    // Most of a lease goes by; the renewal that follows makes it whole again.
    lab.clock.advance(2_500);
    const before = store.count('renewLeases');
    await eventually('a renewal', () => store.count('renewLeases') > before);
  }
  await lab.publish(order);
  await eventually('a look of the second', () => second.store.count('claimRun') > 0);
  expect(await lab.run(order)).toMatchObject({ state: 'running', worker: 'first' });
  command.end({ exitCode: 0 });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'succeeded', worker: 'first', attempts: 1 });
});
