import type { Delivery } from '@moltbot/bus';
import { envelope, isFinal, type RunOrder } from '@moltbot/shared';
import { eventually } from '@moltbot/testkit';
import { expect, test } from 'vitest';
import { createFakeTransport, type FakeCommand } from './support/fake-transport.ts';
import { type Lab, newOrder, openLab, queue, testAction } from './support/lab.ts';

const leaseMs = 10_000;
const connectAtOnce = { onCommand: (command: FakeCommand) => command.connect() };

test('a run that comes back to the process that runs it goes on under the new delivery', async () => {
  const lab = await openLab();
  const transport = createFakeTransport(connectAtOnce);
  const { link, store } = await lab.worker({ transports: [transport] });
  const order = await lab.accept({ command: 'x' });
  const command = await transport.command('x');
  await lab.until(order, 'running');
  await link.breakLink();
  await eventually('its return', () => link.handedOut() === 2);
  command.end({ exitCode: 0 });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'succeeded', attempts: 1 });
  await lab.settled();
  expect([transport.sent('x'), store.count('claimRun'), link.handedOut()]).toEqual([1, 1, 2]);
});

test('a second copy of a run that runs here is settled with it', async () => {
  const lab = await openLab();
  const transport = createFakeTransport(connectAtOnce);
  const { link } = await lab.worker({ transports: [transport] });
  const order = await lab.accept({ command: 'x' });
  const command = await transport.command('x');
  await lab.until(order, 'running');
  await lab.publish(order);
  await lab.publish(order);
  await eventually('the copies', () => link.handedOut() === 3);
  command.end({ exitCode: 0 });
  await lab.until(order, 'succeeded');
  await lab.settled();
  expect([transport.sent('x'), link.inHand()]).toEqual([1, 0]);
});

test('a copy that arrives while the end of its run is being acked is settled as well', async () => {
  const lab = await openLab();
  const transport = createFakeTransport(connectAtOnce);
  const { link } = await lab.worker({ transports: [transport] });
  const order = await lab.accept({ command: 'x' });
  const command = await transport.command('x');
  await lab.until(order, 'running');
  const letPass = link.holdAcks();
  command.end({ exitCode: 0 });
  await eventually('the ack to be asked for', () => link.inHand() === 0);
  await lab.publish(order);
  await eventually('the copy', () => link.handedOut() === 2);
  letPass();
  await lab.settled();
  expect([transport.sent('x'), link.inHand()]).toEqual([1, 0]);
});

test('a run whose end the store refuses is given back under the delivery it has now', async () => {
  const lab = await openLab();
  const transport = createFakeTransport(connectAtOnce);
  const { link, store } = await lab.worker({ transports: [transport], leaseMs });
  const order = await lab.accept({ command: 'x' });
  const command = await transport.command('x');
  await lab.until(order, 'running');
  await link.breakLink();
  await eventually('its return', () => link.handedOut() === 2);
  store.fail('finishRun');
  command.end({ exitCode: 0 });
  await eventually('its next delivery', () => link.handedOut() > 2);
  lab.clock.advance(leaseMs + 1);
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'unknown' });
  await lab.settled();
  expect(transport.sent('x')).toBe(1);
});

test('an end that was recorded and not acked is acked when its message comes again', async () => {
  const lab = await openLab();
  const { store } = await lab.worker();
  const order = await lab.accept({ command: 'echo once' });
  await lab.until(order);
  await lab.settled();
  await lab.publish(order);
  await lab.settled();
  expect(await lab.run(order)).toMatchObject({ state: 'succeeded', attempts: 1 });
  expect([await lab.stdout(order), store.count('finishRun')]).toEqual(['once\n', 1]);
});

test('a run of another worker is left alone while its lease is in force, and looked at again', async () => {
  const lab = await openLab();
  const order = newOrder();
  const held = {
    order,
    worker: 'other',
    leaseMs,
    redelivered: false,
    claimId: 'c-1',
    publishedAt: order.task.acceptedAt,
  };
  const claim = await lab.store.claimRun({ ...held, start: false });
  if (claim.verdict !== 'run') return expect.fail(claim.verdict);
  const { store } = await lab.worker();
  await lab.publish(order);
  await eventually('several looks', () => store.count('claimRun') > 2);
  expect(await lab.run(order)).toMatchObject({ state: 'claimed', worker: 'other' });
  await lab.store.releaseRun(claim.token);
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'succeeded', attempts: 2 });
});

test('a run whose worker died before its start is run by the next, once the lease has ended', async () => {
  const lab = await openLab();
  const first = createFakeTransport();
  const dying = await lab.worker({ transports: [first], leaseMs });
  const order = await lab.accept({ command: 'x' });
  const command = await first.command('x');
  await dying.die();
  const second = createFakeTransport({ onCommand: (begun) => begun.connect() });
  const next = await lab.worker({ transports: [second] });
  await eventually('a look', () => next.store.count('claimRun') > 1);
  expect(second.sent('x')).toBe(0);
  lab.clock.advance(leaseMs + 1);
  (await second.command('x')).end({ exitCode: 0 });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'succeeded', attempts: 2 });
  // The connection of the dead worker comes up: it must not send any more.
  command.connect();
  await lab.settled();
  expect([first.sent('x'), second.sent('x')]).toEqual([0, 1]);
});

test('a run whose worker died after its start ends unknown, and is never started again', async () => {
  const lab = await openLab();
  const first = createFakeTransport(connectAtOnce);
  const dying = await lab.worker({ transports: [first], leaseMs });
  const order = await lab.accept({ command: 'x' });
  await lab.until(order, 'running');
  await dying.die();
  const second = createFakeTransport(connectAtOnce);
  await lab.worker({ transports: [second] });
  lab.clock.advance(leaseMs + 1);
  const record = await lab.until(order);
  expect(record).toMatchObject({ state: 'unknown', error: { code: 'MOLT_RUN_LOST' }, attempts: 1 });
  await lab.settled();
  expect([first.sent('x'), second.sent('x')]).toEqual([1, 0]);
});

test('a worker that lost its lease to another stops writing, and does not touch the end', async () => {
  const lab = await openLab();
  const transport = createFakeTransport(connectAtOnce);
  const fenced = await lab.worker({ transports: [transport], leaseMs: 300 });
  const order = await lab.accept({ command: 'x' });
  const command = await transport.command('x');
  await lab.until(order, 'running');
  await command.print('mine');
  await eventually('its output', async () => (await lab.stdout(order)) === 'mine');
  fenced.store.down('renewLeases');
  lab.clock.advance(400);
  await lab.worker();
  await lab.publish(order);
  await lab.until(order, 'unknown');
  fenced.store.up();
  await command.print('too late');
  await eventually('it to let go', () => command.released());
  command.end({ exitCode: 0 });
  await lab.settled();
  await expect(lab.run(order)).resolves.toMatchObject({ state: 'unknown', stdoutBytes: 4 });
  expect(await lab.stdout(order)).toBe('mine');
});

test('a silent run that another worker holds is let go when its lease is renewed, and its command is not ended', async () => {
  const lab = await openLab();
  const transport = createFakeTransport(connectAtOnce);
  const fenced = await lab.worker({ transports: [transport], leaseMs: 300 });
  const order = await lab.accept({ command: 'x' });
  const command = await transport.command('x');
  await lab.until(order, 'running');
  fenced.store.down('renewLeases');
  lab.clock.advance(400);
  await lab.worker();
  await lab.publish(order);
  await lab.until(order, 'unknown');
  fenced.store.up();
  await eventually('it to let go', () => command.released());
  expect(command.run.signal.aborted).toBe(false);
  await lab.settled();
});

test('a worker that was overtaken before its start sends nothing', async () => {
  const lab = await openLab();
  const transport = createFakeTransport();
  const slow = await lab.worker({ transports: [transport], leaseMs: 300 });
  const order = await lab.accept({ command: 'x' });
  const command = await transport.command('x');
  slow.store.down('renewLeases');
  lab.clock.advance(400);
  const second = createFakeTransport(connectAtOnce);
  await lab.worker({ transports: [second] });
  await slow.link.die();
  (await second.command('x')).end({ exitCode: 0 });
  await lab.until(order, 'succeeded');
  command.connect();
  await eventually('it to be refused', () => slow.store.count('startRun') === 1);
  await lab.settled();
  expect([transport.sent('x'), second.sent('x')]).toEqual([0, 1]);
});

test('of two copies that are claimed here at once the one that is fenced off does not take the other with it', async () => {
  const lab = await openLab();
  const commands: FakeCommand[] = [];
  const transport = createFakeTransport({ onCommand: (command) => void commands.push(command) });
  const order = await lab.accept({ command: 'x' });
  await lab.publish(order);
  const { store } = await lab.worker({ transports: [transport], leaseMs: 600 });
  await eventually('both', () => commands.length === 2);
  commands[0]?.connect();
  await eventually('the first to be refused', () => store.count('startRun') === 1);
  await eventually('it to be let go', () => commands[0]?.released());
  commands[1]?.connect();
  await lab.until(order, 'running');
  const renewed = store.count('renewLeases');
  await eventually('its lease to be renewed', () => store.count('renewLeases') > renewed + 1);
  await lab.store.requestCancel('acme', order.task.id);
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'cancelled', attempts: 2 });
  await lab.settled();
  expect(transport.sent('x')).toBe(1);
});

/** A run whose workers died before it started, five times. */
async function claimedFiveTimes(lab: Lab): Promise<RunOrder> {
  const order = newOrder({ command: 'x' });
  const claim = {
    order,
    worker: 'w',
    leaseMs,
    redelivered: true,
    claimId: 'c-1',
    publishedAt: order.task.acceptedAt,
    start: false,
  };
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    expect(await lab.store.claimRun({ ...claim, claimId: `c-${attempt}` })).toMatchObject({ verdict: 'run', attempt });
    lab.clock.advance(leaseMs + 1);
  }
  return order;
}

test('a run that was claimed five times and never started is undeliverable, and its message is dead with the reason', async () => {
  const lab = await openLab();
  const order = await claimedFiveTimes(lab);
  const transport = createFakeTransport();
  await lab.worker({ transports: [transport] });
  await lab.publish(order);
  const record = await lab.until(order);
  expect(record).toMatchObject({ state: 'undeliverable', error: { code: 'MOLT_RUN_UNDELIVERABLE' } });
  await lab.settled();
  const dead = await lab.dead();
  const facts = dead.map(({ id, reason }) => [id, reason]);
  expect(facts).toEqual([[order.runId, 'claimed 5 times, and no worker came to start it']]);
  expect(transport.sent('x')).toBe(0);
});

test('a run that was claimed five times and can start at its sixth claim comes to its end', async () => {
  const lab = await openLab();
  const order = await claimedFiveTimes(lab);
  const onCommand = (command: FakeCommand): void => {
    command.connect();
    command.end({ exitCode: 0 });
  };
  await lab.worker({ transports: [createFakeTransport({ isReady: () => true, onCommand })] });
  await lab.publish(order);
  await lab.settled();
  expect(isFinal((await lab.run(order)).state)).toBe(true);
});

test('a run that was handed back by four stopping executors is run by the fifth', async () => {
  const lab = await openLab();
  const order = await lab.accept({ command: 'x' });
  for (let stopped = 0; stopped < 4; stopped += 1) {
    const transport = createFakeTransport();
    const { executor } = await lab.worker({ transports: [transport] });
    await transport.command('x');
    await executor.quiesce(AbortSignal.abort());
    await executor.stop();
  }
  const last = createFakeTransport({ onCommand: (begun) => begun.connect() });
  await lab.worker({ transports: [last] });
  (await last.command('x')).end({ exitCode: 0 });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'succeeded', attempts: 5 });
});

test('a message that came back often for reasons of others takes a lap, and is not taken for poison', async () => {
  const lab = await openLab();
  const order = await lab.accept();
  const returning = Promise.withResolvers<Delivery>();
  const subscription = await lab.bus.consume(queue, { prefetch: 1 }, async (delivery) => {
    if (delivery.previousDeliveries < 12) await delivery.requeue();
    else returning.resolve(delivery);
  });
  const returned = await returning.promise;
  await subscription.cancel();
  const { link, store } = await lab.worker();
  await returned.requeue();
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'succeeded', attempts: 1 });
  await lab.settled();
  expect([link.handedOut(), store.count('claimRun')]).toEqual([2, 1]);
});

test('a message of another kind goes to the dead queue, and the queue goes on', async () => {
  const lab = await openLab();
  const order = newOrder();
  const body = { taskId: order.task.id };
  await lab.bus.publish(envelope('cancel', { tenant: 'acme', trace: 't', body }), { queue });
  const actions = [testAction('test.next', { run: async () => ({}) })];
  await lab.worker({ actions });
  await expect(lab.until(await lab.accept({ action: 'test.next' }))).resolves.toMatchObject({ state: 'succeeded' });
  await lab.settled();
  expect((await lab.dead()).map(({ reason }) => reason)).toEqual([
    'a cancel message does not belong in a queue of runs',
  ]);
});
