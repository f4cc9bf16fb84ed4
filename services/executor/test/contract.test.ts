import { silentLogger, systemClock } from '@moltbot/shared';
import { checkServiceContract } from '@moltbot/testkit';
import { expect, test } from 'vitest';
import { createActiveRuns } from '../src/active-runs.ts';
import { createLeaseKeeper } from '../src/lease-keeper.ts';
import { openLab } from './support/lab.ts';

test('an executor keeps the contract of a service', async () => {
  const lab = await openLab();
  await checkServiceContract(() => lab.createExecutor());
});

test('an executor is as healthy as its bus and store', async () => {
  const lab = await openLab();
  const executor = await lab.createExecutor();
  await executor.start();
  expect(executor.health()).toEqual({ ok: true });
  await executor.stop();
  await lab.store.stop();
  expect(executor.health()).toMatchObject({ ok: false });
  await lab.bus.stop();
  expect(executor.health()).toEqual({ ok: false, detail: 'the bus is closed' });
});

test('a keeper of leases keeps the contract of a service, and is stopped at once', async () => {
  const deps = { runs: createActiveRuns(), clock: systemClock, log: silentLogger, leaseMs: 600_000 };
  const store = { renewLeases: () => expect.unreachable('there are no leases') };
  const before = performance.now();
  await checkServiceContract(() => createLeaseKeeper({ ...deps, store }));
  expect(performance.now() - before).toBeLessThan(5_000);
});
