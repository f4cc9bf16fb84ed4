import { newId } from '@moltbot/shared';
import { eventually } from '@moltbot/testkit';
import { expect, test } from 'vitest';
import { createShiftedClock } from './support/clock.ts';
import { createFakeTransport } from './support/fake-transport.ts';
import { openLab } from './support/lab.ts';

const leaseMs = 600_000;

test.each([
  ['with the claim', true],
  ['by itself', false],
])(
  'a worker that slept through its lease, its start recorded %s, sends nothing once another holds the run',
  async (_how, isReady) => {
    const lab = await openLab();
    const clock = createShiftedClock();
    const transport = createFakeTransport({ isReady: () => isReady });
    const { registry } = await lab.worker({ transports: [transport], leaseMs, clock });
    const order = await lab.accept({ command: 'x' });
    const command = await transport.command('x');
    lab.clock.advance(leaseMs + 1);
    const other = { order, worker: 'other', leaseMs, redelivered: true, claimId: newId(), start: true };
    const claim = await lab.store.claimRun({ ...other, publishedAt: order.task.acceptedAt });
    expect(claim.verdict).toBe(isReady ? 'lost' : 'run');
    clock.advance(leaseMs + 1);
    command.connect();
    await eventually('it to let go', () => command.released());
    const token = 'token' in claim ? claim.token : expect.fail(claim.verdict);
    await lab.store.finishRun(token, { state: 'unknown' });
    await lab.settled();
    expect([transport.sent('x'), (await lab.run(order)).worker]).toEqual([0, 'other']);
    expect(await registry.metrics()).toMatch(/moltbot_runs_fenced_total\{pool="default",service="test"\} 1\n/);
  },
);

test('a worker that slept through its lease, and was not missed, asks for it anew before it starts', async () => {
  const lab = await openLab();
  const clock = createShiftedClock();
  const transport = createFakeTransport({ isReady: () => true });
  const { store } = await lab.worker({ transports: [transport], leaseMs, clock });
  const order = await lab.accept({ command: 'x' });
  const command = await transport.command('x');
  clock.advance(leaseMs + 1);
  command.connect();
  await eventually('its start', () => transport.sent('x') === 1);
  expect(store.count('renewLeases')).toBe(1);
  command.end({ exitCode: 0 });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'succeeded', attempts: 1 });
});
