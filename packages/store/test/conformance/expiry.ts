import { setTimeout as delay } from 'node:timers/promises';
import { newId, type Resolution, type RunOrder, runIdOf } from '@moltbot/shared';
import { eventually } from '@moltbot/testkit';
import { describe, expect, it } from 'vitest';
import { claimOf, done, error, first, late, newTask, orderOf, stdout } from '../fixtures.ts';
import type { Suite } from './suite.ts';

/** Runs that nobody started in time, and runs whose end nobody knows. */
export function expiryConformance(suite: Suite): void {
  describe('expiring', () => expiring(suite));
  describe('resolving', () => resolving(suite));
}

function expiring({ store, accept, claim, run, started, stateOf, events }: Suite): void {
  const tenant = 'expiry';
  const expireAll = async () => {
    await eventually('all that is due was looked at', async () => (await store().expireQueued(tenant, 100)) === 0);
  };

  it('ends what waits, and what a gone worker had claimed, and says why', async () => {
    const task = await accept({ tenant, runs: 2, ...late() });
    const [waiting, claimed] = task.orders as [RunOrder, RunOrder];
    const token = await claim(claimed, { leaseMs: -1_000 });
    await delay(5);
    expect(await store().expireQueued(tenant, 10)).toBe(1);
    for (const order of [waiting, claimed]) {
      expect(await run(order)).toMatchObject({
        state: 'expired',
        error: { code: 'MOLT_RUN_EXPIRED', message: expect.any(String), remedy: expect.any(String) },
      });
    }
    expect(await stateOf(task)).toBe('expired');
    expect((await events(task)).slice(-3)).toMatchObject([
      { kind: 'run', state: 'expired', errorCode: 'MOLT_RUN_EXPIRED' },
      { kind: 'run', state: 'expired' },
      { kind: 'task', state: 'expired' },
    ]);
    expect(await store().startRun(token)).toBe('fenced');
    expect(await store().claimRun(claimOf(waiting))).toEqual({ verdict: 'final', state: 'expired' });
    expect(await store().expireQueued(tenant, 10)).toBe(0);
  });

  it('counts from acceptance, to the earlier of both limits, and not at all without one', async () => {
    const { acceptedAt, limits } = late();
    const of = (queueMs: number, deadlineMs: number) =>
      accept({ tenant, acceptedAt, limits: { ...limits, queueMs, deadlineMs } });
    const open = [await of(0, 0), await of(600_000, 0), await of(0, 600_000), await of(600_000, 700_000)];
    const over = [await of(1_000, 0), await of(0, 1_000), await of(600_000, 1_000), await of(1_000, 600_000)];
    expect(await store().expireQueued(tenant, 2)).toBe(2);
    expect(await store().expireQueued(tenant, 10)).toBe(2);
    for (const task of open) expect(await stateOf(task)).toBe('queued');
    for (const task of over) expect(await stateOf(task)).toBe('expired');
  });

  it('does not look at tasks that have ended', async () => {
    const task = await accept({ tenant, ...late() });
    await store().finishRun(await started(first(task.orders)), done);
    const cancelled = await accept({ tenant, ...late() });
    await store().requestCancel(tenant, cancelled.task.id);
    expect(await store().expireQueued(tenant, 10)).toBe(0);
    expect(await stateOf(task)).toBe('succeeded');
  });

  it('leaves alone what is with a worker, and looks again when it comes back', async () => {
    const task = await accept({ tenant, runs: 3, ...late() });
    const [held, retried, running] = task.orders as [RunOrder, RunOrder, RunOrder];
    const heldToken = await claim(held, { leaseMs: 3_000 });
    const retriedToken = await started(retried, { leaseMs: 3_000 });
    const runningToken = await started(running, { leaseMs: 3_000 });
    expect(await store().expireQueued(tenant, 10)).toBe(1);
    expect(await store().expireQueued(tenant, 10)).toBe(0);
    expect(await run(held)).toMatchObject({ state: 'claimed' });
    await store().renewLeases([runningToken], 10_000);
    const rest = { at: 0, chunks: [stdout('first')] };
    expect(await store().retryRun(retriedToken, { error, delayMs: 0, rest })).toBe('ok');
    await eventually('the lease is over', async () => {
      await store().expireQueued(tenant, 10);
      return (await run(held))?.state === 'expired' && (await run(retried))?.state === 'expired';
    });
    expect(await run(retried)).toMatchObject({ history: [{ attempt: 1 }], stdoutBytes: 5, retryAt: undefined });
    expect(await store().startRun(heldToken)).toBe('fenced');
    expect(await store().finishRun(runningToken, done)).toBe('ok');
    expect(await stateOf(task)).toBe('expired');
    await expireAll();
  });

  it('gives an unknown end to runs whose records nobody brought back', async () => {
    const { task } = newTask({ tenant, runs: 3, ...late() });
    await store().finishRun(await started(orderOf(task, 1)), done);
    expect(await store().expireQueued(tenant, 10)).toBe(1);
    const runs = await store().getRuns(tenant, task.id);
    expect(runs.map(({ index, state, error: why }) => [index, state, why?.code])).toEqual([
      [0, 'unknown', 'MOLT_RUN_LOST'],
      [1, 'succeeded', undefined],
      [2, 'unknown', 'MOLT_RUN_LOST'],
    ]);
    expect(await store().getTask(tenant, task.id)).toMatchObject({
      state: 'unknown',
      counts: { succeeded: 1, unknown: 2 },
    });
    expect(await store().claimRun(claimOf(orderOf(task, 0)))).toEqual({ verdict: 'final', state: 'unknown' });
    expect(await store().expireQueued(tenant, 10)).toBe(0);
  });

  it('and a claim that comes with it agree on who is first', async () => {
    for (let n = 0; n < 10; n++) {
      const task = await accept({ tenant, ...late() });
      const order = first(task.orders);
      const expire = () => store().expireQueued(tenant, 100);
      const take = () => store().claimRun(claimOf(order, { start: true }));
      const claimed =
        n % 2 === 0 ? (await Promise.all([take(), expire()]))[0] : (await Promise.all([expire(), take()]))[1];
      expect([claimed.verdict, await stateOf(task)]).toSatisfy(
        ([verdict, state]) =>
          (verdict === 'run' && state === 'running') || (verdict === 'final' && state === 'expired'),
      );
      if (claimed.verdict === 'run') await store().finishRun(claimed.token, done);
    }
    await expireAll();
  });
}

function resolving({ store, accept, run, started, stateOf, events }: Suite): void {
  const resolution: Resolution = { as: 'rerun', by: 'key:ops', at: 1_790_000_000_000, note: 'disk', taskId: newId() };

  it('notes what a person found out, once, and tells of it', async () => {
    const task = await accept();
    const order = first(task.orders);
    await store().finishRun(await started(order), { state: 'unknown', error });
    const wakes = { count: 0 };
    const end = store().watchTask('acme', task.task.id, () => {
      wakes.count += 1;
    });
    expect(await store().resolveRun('acme', order.runId, resolution)).toBe('ok');
    await eventually('a wake', () => wakes.count > 0);
    end();
    expect(await store().resolveRun('acme', order.runId, { ...resolution, as: 'done' })).toBe('closed');
    expect(await run(order)).toMatchObject({ state: 'unknown', resolution });
    expect(await stateOf(task)).toBe('unknown');
    expect((await events(task)).slice(-2)).toMatchObject([
      { kind: 'task', state: 'unknown' },
      { kind: 'resolved', runId: order.runId, as: 'rerun', by: 'key:ops' },
    ]);
    const done = await store().getTask('acme', task.task.id);
    expect(done?.finishedAt).toBe((await run(order))?.finishedAt);
  });

  it('is for unknown runs alone', async () => {
    const task = await accept({ runs: 2 });
    const [open, ended] = task.orders as [RunOrder, RunOrder];
    await store().finishRun(await started(ended), done);
    for (const { runId } of [open, ended]) expect(await store().resolveRun('acme', runId, resolution)).toBe('closed');
    expect(await store().resolveRun('acme', runIdOf(newId(), 0), resolution)).toBe('absent');
    expect(await store().resolveRun('globex', ended.runId, resolution)).toBe('absent');
    expect(await run(ended)).toMatchObject({ resolution: undefined });
  });
}
