import { envelope, Secret, silentLogger, watchOf } from '@moltbot/shared';
import { createRedisStore } from '@moltbot/store';
import { eventually, startRedis, type TestRedis } from '@moltbot/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFakeTransport, type FakeCommand } from './support/fake-transport.ts';
import { type Lab, newOrder, openLab, queue } from './support/lab.ts';

const leaseMs = 900;
const connectAtOnce = { onCommand: (command: FakeCommand) => command.connect() };

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

const openSharedLab = (): Promise<Lab> => {
  const retention = { tasksMs: 3_600_000, outputMs: 3_600_000 };
  return openLab({ shared: createRedisStore({ url: new Secret(redis.url), retention, log: silentLogger }) });
};

test('a store that was emptied learns a guarded run from its message and its target: it ran once, and its end is true', async () => {
  const lab = await openSharedLab();
  const host = createFakeTransport(connectAtOnce);
  const { registry } = await lab.worker({ transports: [host], leaseMs });
  const order = await lab.accept({ command: 'x', class: 'guarded' });
  const record = await eventually('its record', () => host.target.record(order.runId));
  record.print('one ');
  await eventually('its output', async () => (await lab.stdout(order)) === 'one ');
  await redis.restartEmpty();
  await eventually('an attach', () => host.asked('x') === 2);
  record.print('two');
  record.end({ exitCode: 5 });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'failed', exitCode: 5 });
  expect([await lab.stdout(order), host.sent('x')]).toEqual(['one two', 1]);
  await lab.settled();
  expect(await registry.metrics()).toMatch(/moltbot_runs_fenced_total\{pool="default",service="test"\} 1\n/);
});

test.each([
  ['readonly', 2, 'succeeded'],
  ['at-most-once', 1, 'unknown'],
] as const)(
  'a store that was emptied while a %s run went on: it was sent %i times, and is %s',
  async (runClass, sent, state) => {
    const lab = await openSharedLab();
    const host = createFakeTransport(connectAtOnce);
    await lab.worker({ transports: [host], leaseMs });
    const order = await lab.accept({ command: 'x', class: runClass });
    await lab.until(order, 'running');
    const begun = await host.command('x');
    await redis.restartEmpty();
    await eventually('it to let go', () => begun.released());
    if (runClass === 'readonly') {
      await eventually('another attempt', () => host.sent('x') === 2);
      (await host.command('x')).end({ exitCode: 0 });
    }
    await expect(lab.until(order)).resolves.toMatchObject({ state });
    await lab.settled();
    expect(host.sent('x')).toBe(sent);
  },
);

test('what may run again is not held up by a store that may have lost its record', async () => {
  const lab = await openSharedLab();
  const host = createFakeTransport(connectAtOnce);
  const order = newOrder({ command: 'x', class: 'readonly' });
  await lab.store.acceptTask({ task: order.task, orders: [order] });
  await redis.restart();
  await lab.worker({ transports: [host], leaseMs });
  const { runId, task } = order;
  const fields = { tenant: 'acme', trace: task.trace, body: order, id: runId, at: task.acceptedAt };
  await lab.bus.publish(watchOf(envelope('run', fields)), { queue });
  (await host.command('x')).end({ exitCode: 0 });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'succeeded', attempts: 1, history: [] });
});
