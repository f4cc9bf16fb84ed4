import { newId, type RunOutcome, runIdOf, Secret, silentLogger } from '@moltbot/shared';
import { createRedisStore, type Store } from '@moltbot/store';
import { startRedis } from '@moltbot/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { type Lab, openLab, specOf } from './lab.ts';
import { travel } from './travel.ts';

const soon = { timeout: 20_000, interval: 20 } as const;

async function statesOf(lab: Lab, id: string): Promise<readonly string[]> {
  return (await lab.occurrences(id)).map(({ state, reason }) => (reason ? `${state} ${reason}` : state)).toReversed();
}

test('one that takes over knows what still runs, however long it takes to learn it', async () => {
  const lab = await openLab();
  await lab.put('job', { overlap: 'skip' });
  const first = await lab.scheduler();
  await expect.poll(() => lab.accepted.length, soon).toBe(1);
  await first.stop();
  const slow: Store = {
    ...lab.store,
    async listOpenOccurrences(...query) {
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      return lab.store.listOpenOccurrences(...query);
    },
  };
  await lab.scheduler({ store: slow });
  await expect.poll(async () => (await statesOf(lab, 'job')).length, soon).toBeGreaterThan(4);
  const [fired, ...others] = await statesOf(lab, 'job');
  expect(fired).toBe('fired');
  expect(new Set(others)).toEqual(new Set(['skipped overlap']));
  expect(lab.accepted).toHaveLength(1);
});

test('what waits is fired oldest first, one at a time', async () => {
  const lab = await openLab();
  await lab.put('job', { overlap: 'queue' });
  await lab.scheduler();
  await expect.poll(async () => (await statesOf(lab, 'job')).length, soon).toBeGreaterThan(2);
  const done: string[] = [];
  for (let n = 0; n < 3; n += 1) {
    await expect.poll(() => lab.accepted.length, soon).toBe(n + 1);
    const taskId = lab.accepted[n]?.split(' ')[1] ?? '';
    done.push(lab.accepted[n]?.split(' ')[0] ?? '');
    await lab.store.requestCancel('acme', taskId);
  }
  expect(done).toEqual(done.toSorted());
});

test('the newest cancels the one before it and takes the place of those that wait', async () => {
  const lab = await openLab();
  await lab.put('job', { overlap: 'cancel-previous' });
  await lab.scheduler();
  await expect.poll(() => lab.accepted.length, soon).toBeGreaterThan(1);
  const taskId = lab.accepted[0]?.split(' ')[1] ?? '';
  expect(await lab.store.getTask('acme', taskId)).toMatchObject({ state: 'cancelled' });
});

test('a task that cannot be is missed, with the reason', async () => {
  const lab = await openLab();
  await lab.put('job', { task: { action: 'shell.run', args: { command: 'true' }, on: 'nobody' } });
  await lab.scheduler();
  await expect
    .poll(async () => (await lab.occurrences('job'))[0], soon)
    .toMatchObject({
      ...{ state: 'missed', reason: 'refused', note: expect.stringContaining('MOLT_NO_TARGETS') },
    });
});

/** Ends the one run of the newest accepted task, as an executor does. */
async function endTask({ store, accepted }: Lab, outcome: RunOutcome): Promise<void> {
  const taskId = accepted.at(-1)?.split(' ')[1] ?? '';
  const task = (await store.getTask('acme', taskId))?.task;
  if (!task) throw new Error('there is no task');
  const target = { name: 'web-1', labels: {}, pool: 'default', transport: 'local' } as const;
  const claim = await store.claimRun({
    order: { runId: runIdOf(taskId, 0), index: 0, target, task },
    ...{ worker: 'w', leaseMs: 10_000, redelivered: false, publishedAt: 0, claimId: newId(), start: true },
  });
  if (claim.verdict !== 'run') throw new Error(`the claim gave ${claim.verdict}`);
  expect(await store.finishRun(claim.token, outcome)).toBe('ok');
}

test('data that meets an alert is told once for each target, and what cannot be judged leaves the others alone', async () => {
  const { lab, clock } = await travel('2027-03-01T00:00:30Z');
  const alert = (condition: string, title: string) => ({
    if: condition,
    title,
    severity: 'critical',
    labels: { team: 'ops' },
  });
  const alerts = [
    alert('result.nothing > 1', 'never'),
    alert('result.disks.exists(d, d.usedPercent > 90)', 'A disk is nearly full'),
    alert('result.disks.all(d, d.usedPercent > 95)', 'All disks are full'),
  ];
  await lab.put('watch', { when: 'at 2027-03-01T00:01:00Z', alerts, owner: 'ops' });
  await lab.scheduler();
  await clock.passUntil('the task', () => lab.accepted.length === 1);
  await endTask(lab, { state: 'succeeded', exitCode: 0, data: { disks: [{ usedPercent: 91 }, { usedPercent: 5 }] } });
  await clock.passUntil('its end', async () => (await lab.occurrences('watch'))[0]?.outcome === 'succeeded');
  expect(lab.told).toMatchObject([
    {
      ...{ tenant: 'acme', severity: 'critical', title: 'A disk is nearly full (web-1)' },
      labels: { team: 'ops', schedule: 'watch', target: 'web-1' },
    },
  ]);
});

test('failures in a row are told, and pause the schedule', async () => {
  const lab = await openLab();
  await lab.put('job', { overlap: 'queue', pauseAfter: 2, onFailure: { severity: 'error' } });
  await lab.scheduler();
  for (const n of [1, 2]) {
    await expect.poll(() => lab.accepted.length, soon).toBe(n);
    await endTask(lab, { state: 'failed', exitCode: 3 });
  }
  await expect.poll(async () => (await lab.store.getSchedule('acme', 'job'))?.paused?.why, soon).toBe('failures');
  await expect
    .poll(() => lab.told.map(({ title }) => title), soon)
    .toEqual([...['Schedule job: failed', 'Schedule job: failed', 'Schedule job is paused after 2 failures']]);
  expect(new Set(lab.told.map(({ id }) => id)).size).toBe(3);
});

test('what is declared is made, replaced and dropped; one that makes no sense stops no other', async () => {
  const lab = await openLab();
  const declare = (id: string, more = {}) => ({ tenant: 'acme', id, spec: specOf({ when: '@yearly', ...more }) });
  const first = await lab.scheduler({
    schedules: [declare('a'), declare('bad', { when: '61 * * * *' }), declare('b')],
  });
  const ids = async () => (await lab.store.listSchedules('acme', { limit: 10 })).schedules.map(({ id }) => id);
  await expect.poll(ids, soon).toEqual(['a', 'b']);
  await first.stop();
  await lab.scheduler({ schedules: [declare('b', { owner: 'ops' }), declare('c')] });
  await expect.poll(ids, soon).toEqual(['b', 'c']);
  expect((await lab.store.getSchedule('acme', 'b'))?.spec.owner).toBe('ops');
});

test('a manual run goes beside what runs, and a day is filled in one after another', async () => {
  const lab = await openLab();
  await lab.put('job', { when: '@yearly' });
  await lab.scheduler();
  const record = await lab.store.getSchedule('acme', 'job');
  const instants = [Date.UTC(2024, 0, 1), Date.UTC(2025, 0, 1)];
  for (const at of instants) expect(await lab.store.reopenOccurrence('acme', 'job', at)).toBe('ok');
  await expect.poll(() => lab.accepted.length, soon).toBe(1);
  expect(lab.accepted[0]).toContain('job@2024-01-01T00:00:00.000Z');
  const { revision } = (await lab.store.getSchedule('acme', 'job')) ?? { revision: 0 };
  expect(revision).toBeGreaterThan(record?.revision ?? 0);
  const manual = [{ at: 5, due: 5, kind: 'manual', state: 'waiting' }] as const;
  await lab.store.decideOccurrences({ tenant: 'acme', scheduleId: 'job', revision, epoch: 0, occurrences: manual });
  await expect.poll(() => lab.accepted.length, soon).toBe(2);
  await lab.store.requestCancel('acme', lab.accepted[0]?.split(' ')[1] ?? '');
  await expect.poll(() => lab.accepted.length, soon).toBe(3);
  expect(lab.accepted[2]).toContain('job@2025-01-01T00:00:00.000Z');
});

test('an emptied Redis gets its schedules back, whoever leads then, and no occurrence another task', async () => {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  const retention = { tasksMs: 3_600_000, outputMs: 3_600_000 };
  const store = createRedisStore({ url: new Secret(redis.url), retention, log: silentLogger });
  const lab = await openLab(store);
  await lab.put('job', { overlap: 'allow', misfire: 'run-all' });
  await lab.scheduler();
  await lab.scheduler();
  for (let round = 0; round < 3; round += 1) {
    const before = lab.accepted.length;
    await expect.poll(() => lab.accepted.length, soon).toBeGreaterThan(before + 2);
    await redis.restartEmpty();
    await expect.poll(() => store.getSchedule('acme', 'job').catch(() => undefined), soon).toMatchObject({ id: 'job' });
  }
  const before = lab.accepted.length;
  await expect.poll(() => lab.accepted.length, soon).toBeGreaterThan(before + 2);
  const tasks = new Map<string, Set<string>>();
  for (const [occurrence = '', task = ''] of lab.accepted.map((line) => line.split(' '))) {
    tasks.set(occurrence, (tasks.get(occurrence) ?? new Set()).add(task));
  }
  expect([...tasks.values()].every(({ size }) => size === 1)).toBe(true);
  // Where the former leader put the schedule back, no instant is left out.
  const instants = [...tasks.keys()].map((occurrence) => Date.parse(occurrence.slice('job@'.length))).sort();
  const gaps = instants.slice(1).filter((at, index) => at - (instants[index] ?? at) !== 1_000);
  expect(gaps).toEqual([]);
}, 90_000);
