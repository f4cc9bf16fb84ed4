import { envelope, type RunOrder, watchOf } from '@moltbot/shared';
import { eventually } from '@moltbot/testkit';
import { expect, test } from 'vitest';
import { createFakeTransport, type FakeCommand } from './support/fake-transport.ts';
import { type Lab, newOrder, openLab, queue } from './support/lab.ts';

const leaseMs = 10_000;
const connectAtOnce = { onCommand: (command: FakeCommand) => command.connect() };

async function publishWatch(lab: Lab, order: RunOrder): Promise<void> {
  const { runId, task } = order;
  const message = envelope('run', { tenant: 'acme', trace: task.trace, body: order, id: runId, at: task.acceptedAt });
  await lab.bus.publish(watchOf(message), { queue });
}

/** Another process holds the run. */
async function heldElsewhere(lab: Lab, order: RunOrder, start: boolean) {
  const { acceptedAt: publishedAt } = order.task;
  await lab.store.acceptTask({ task: order.task, orders: [order] });
  const request = { order, worker: 'other', leaseMs, redelivered: false, claimId: 'c-1', publishedAt, start };
  const claim = await lab.store.claimRun(request);
  if (claim.verdict !== 'run') return expect.fail(claim.verdict);
  return claim.token;
}

test('a long run gives its delivery back and is represented by a watch message, which goes round until its end', async () => {
  const lab = await openLab();
  const transport = createFakeTransport(connectAtOnce);
  const { link, registry, store } = await lab.worker({ transports: [transport], watchAfterMs: 200 });
  const order = await lab.accept({ command: 'x' });
  const command = await transport.command('x');
  await eventually('laps', () => link.handedOut() > 3);
  await eventually('a lap that has begun', () => link.inHand() === 0);
  expect(await registry.metrics()).toMatch(/moltbot_run_watches_total\{pool="default",service="test"\} 1\n/);
  command.end({ exitCode: 0 });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'succeeded', attempts: 1 });
  await lab.settled();
  // The first claim, and the one that learned of the end.
  expect([transport.sent('x'), store.count('claimRun')]).toEqual([1, 2]);
});

test('a watched run whose worker dies is taken over by whoever meets its watch message', async () => {
  const lab = await openLab();
  const host = createFakeTransport(connectAtOnce);
  const dying = await lab.worker({ transports: [host], watchAfterMs: 100, leaseMs });
  const order = await lab.accept({ command: 'x', class: 'guarded' });
  const record = await eventually('its record', () => host.target.record(order.runId));
  await eventually('a watch message', () => dying.link.handedOut() > 1);
  await dying.die();
  await lab.worker({ transports: [host], worker: 'second' });
  lab.clock.advance(leaseMs + 1);
  record.end({ exitCode: 0 });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'succeeded', worker: 'second', attempts: 1 });
  await lab.settled();
});

test('a watched run is handed over by its watch message', async () => {
  const lab = await openLab();
  const host = createFakeTransport(connectAtOnce);
  const first = await lab.worker({ transports: [host], watchAfterMs: 100, leaseMs: 600_000 });
  const order = await lab.accept({ command: 'x', class: 'guarded' });
  const record = await eventually('its record', () => host.target.record(order.runId));
  await eventually('a watch message', () => first.link.handedOut() > 1);
  await first.executor.quiesce(AbortSignal.abort());
  await first.executor.stop();
  record.end({ exitCode: 0 });
  await lab.worker({ transports: [host], worker: 'second' });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'succeeded', worker: 'second' });
  await lab.settled();
});

test('a long run that cannot be given back yet keeps its delivery, and tries again', async () => {
  const lab = await openLab();
  const transport = createFakeTransport(connectAtOnce);
  const { link } = await lab.worker({ transports: [transport], watchAfterMs: 200 });
  const order = await lab.accept({ command: 'x' });
  const command = await transport.command('x');
  link.refuseDelays(true);
  await eventually('tries', () => link.handedOut() > 2);
  expect(await lab.run(order)).toMatchObject({ state: 'running' });
  link.refuseDelays(false);
  await eventually('a watch message under way', () => link.inHand() === 0);
  command.end({ exitCode: 0 });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'succeeded', attempts: 1 });
  await lab.settled();
  expect(transport.sent('x')).toBe(1);
});

test('a run that is busy is represented by a watch message from then on', async () => {
  const lab = await openLab();
  const order = newOrder({ command: 'x' });
  const token = await heldElsewhere(lab, order, true);
  const { link, store } = await lab.worker({ transports: [createFakeTransport()] });
  await lab.publish(order);
  await eventually('looks', () => store.count('claimRun') > 2);
  const kinds = link.kinds();
  expect([kinds[0], new Set(kinds.slice(1))]).toEqual(['run', new Set(['watch'])]);
  expect(new Set(link.rungs())).toEqual(new Set(['5s']));
  await lab.store.finishRun(token, { state: 'succeeded', exitCode: 0 });
  await lab.settled();
  await expect(lab.run(order)).resolves.toMatchObject({ state: 'succeeded' });
});

test('a watch message of a run that a short while ago began here is adopted', async () => {
  const lab = await openLab();
  const transport = createFakeTransport(connectAtOnce);
  const { link } = await lab.worker({ transports: [transport] });
  const order = await lab.accept({ command: 'x' });
  const command = await transport.command('x');
  await lab.until(order, 'running');
  await publishWatch(lab, order);
  await eventually('its arrival', () => link.handedOut() === 2);
  expect(link.inHand()).toBe(1);
  command.end({ exitCode: 0 });
  await lab.until(order, 'succeeded');
  await lab.settled();
});

test('a watch message of a run that nobody holds any more brings it to its end', async () => {
  const lab = await openLab();
  const order = newOrder({ command: 'x', class: 'guarded' });
  await heldElsewhere(lab, order, true);
  lab.clock.advance(leaseMs + 1);
  const onLaunch = (_text: string, record: { end(result: { exitCode: number }): void }) => record.end({ exitCode: 0 });
  const host = createFakeTransport({ ...connectAtOnce, onLaunch });
  await lab.worker({ transports: [host] });
  await publishWatch(lab, order);
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'succeeded' });
  await lab.settled();
});

test('a message that waits too long for a slot takes a lap, and is run when there is one', async () => {
  const lab = await openLab();
  const transport = createFakeTransport(connectAtOnce);
  const { link } = await lab.worker({ transports: [transport], slots: 1, watchAfterMs: 100 });
  await lab.accept({ command: 'first' });
  const first = await transport.command('first');
  const order = await lab.accept({ command: 'x' });
  await eventually('laps', () => link.kinds().filter((kind) => kind === 'run').length > 4);
  first.end({ exitCode: 0 });
  (await transport.command('x')).end({ exitCode: 0 });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'succeeded', attempts: 1 });
  await lab.settled();
});
