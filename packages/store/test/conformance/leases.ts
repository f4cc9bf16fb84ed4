import { setTimeout as delay } from 'node:timers/promises';
import { newId, type RunOrder } from '@moltbot/shared';
import { eventually } from '@moltbot/testkit';
import { describe, expect, it } from 'vitest';
import { claimOf, done, first, newTask, orderOf, stdout } from '../fixtures.ts';
import type { Suite } from './suite.ts';

/** Who holds a run, for how long, and what a cancel does to it. */
export function leasesConformance(suite: Suite): void {
  const { accept, claim, started, run, stateOf } = suite;
  describe('leases', () => {
    it('keeps others away while it is in force', async () => {
      const order = first((await accept()).orders);
      await claim(order, { leaseMs: 5_000 });
      const busy = await suite.store().claimRun(claimOf(order, { worker: 'w2' }));
      if (busy.verdict !== 'busy') throw new Error(busy.verdict);
      expect(busy.retryAfterMs).toBeGreaterThan(0);
      expect(busy.retryAfterMs).toBeLessThanOrEqual(5_000);
      expect(busy.cancelRequested).toBe(false);
      expect(busy.runningMs).toBeLessThan(5_000);
      await suite.store().requestCancel('acme', order.task.id);
      const again = await suite.store().claimRun(claimOf(order, { worker: 'w2' }));
      expect(again).toMatchObject({ verdict: 'busy', cancelRequested: true });
    });

    it('gives a claim that was not started to the same worker again, under a new fence', async () => {
      const order = first((await accept()).orders);
      const old = await claim(order);
      const token = await claim(order);
      expect(token.fence).toBeGreaterThan(old.fence);
      expect(await suite.store().startRun(old)).toBe('fenced');
    });

    it('gives a running run to nobody while the lease is in force, and says that it is lost after that', async () => {
      const order = first((await accept()).orders);
      const token = await started(order);
      expect(await suite.store().claimRun(claimOf(order))).toMatchObject({ verdict: 'busy' });
      await suite.store().renewLeases([token], 50);
      const lost = await eventually('the lease ends', async () => {
        const claimed = await suite.store().claimRun(claimOf(order, { worker: 'w2' }));
        return claimed.verdict === 'lost' ? claimed : undefined;
      });
      expect(lost.attempt).toBe(1);
      expect(await suite.store().appendOutput(token, 0, [stdout('late')])).toEqual({ kind: 'fenced' });
      expect(await suite.store().startRun(lost.token)).toBe('illegal');
      expect(await suite.store().finishRun(lost.token, { state: 'unknown' })).toBe('ok');
      expect(await suite.store().finishRun(token, done)).toBe('fenced');
    });

    it('renews many at once, and tells which are held and which are to be cancelled', async () => {
      const task = await accept({ runs: 3 });
      const [held, lost, other] = task.orders as [RunOrder, RunOrder, RunOrder];
      const tokens = [await claim(held), await claim(lost, { leaseMs: -1_000 }), await started(other)];
      await delay(5);
      await claim(lost, { worker: 'w2' });
      const elsewhere = await accept({ tenant: 'globex' });
      tokens.push(await claim(first(elsewhere.orders)));
      await suite.store().requestCancel('acme', task.task.id);
      const renewals = await suite.store().renewLeases(tokens, 5_000);
      expect(renewals.map(({ token, ...rest }) => rest)).toEqual([
        { held: true, cancelRequested: true },
        { held: false, cancelRequested: false },
        { held: true, cancelRequested: true },
        { held: true, cancelRequested: false },
      ]);
      expect(renewals.map(({ token }) => token)).toEqual(tokens);
      expect(await suite.store().renewLeases([], 1_000)).toEqual([]);
    });

    it('makes a lease longer by renewing it', async () => {
      const order = first((await accept()).orders);
      const token = await started(order, { leaseMs: 100 });
      await suite.store().renewLeases([token], 10_000);
      await delay(120);
      expect(await suite.store().claimRun(claimOf(order, { worker: 'w2' }))).toMatchObject({ verdict: 'busy' });
    });
  });

  describe('cancelling', () => {
    it('ends what waits at once, and tells the workers of the rest', async () => {
      const task = await accept({ runs: 3 });
      const [waiting, claimed, running] = task.orders as [RunOrder, RunOrder, RunOrder];
      const claimedToken = await claim(claimed);
      const runningToken = await started(running);
      const outcome = await suite.store().requestCancel('acme', task.task.id);
      expect(outcome).toEqual({ kind: 'requested', state: 'running', leased: [claimed, running] });
      expect(await run(waiting)).toMatchObject({ state: 'cancelled' });
      expect(await suite.store().getTask('acme', task.task.id)).toMatchObject({
        cancelRequested: true,
        state: 'running',
      });
      expect(await suite.store().startRun(claimedToken)).toBe('cancelled');
      expect(await suite.store().startRun(claimedToken)).toBe('cancelled');
      expect(await suite.store().finishRun(claimedToken, { state: 'cancelled' })).toBe('ok');
      expect(await suite.store().finishRun(runningToken, { state: 'cancelled', signal: 'TERM' })).toBe('ok');
      expect(await stateOf(task)).toBe('cancelled');
      expect(await suite.store().requestCancel('acme', task.task.id)).toEqual({
        ...{ kind: 'final', state: 'cancelled', cancelRequested: true },
      });
    });

    it('ends a task that only waited', async () => {
      const task = await accept({ runs: 2 });
      const outcome = await suite.store().requestCancel('acme', task.task.id);
      expect(outcome).toEqual({ kind: 'requested', state: 'cancelled', leased: [] });
      expect(await suite.store().claimRun(claimOf(first(task.orders)))).toEqual({
        verdict: 'final',
        state: 'cancelled',
      });
    });

    it('knows nothing of a task that is not there', async () => {
      expect(await suite.store().requestCancel('acme', newId())).toEqual({ kind: 'absent' });
    });

    it('ends a claimed run when it is given back, or claimed again', async () => {
      const task = await accept({ runs: 2 });
      const [one, two] = task.orders as [RunOrder, RunOrder];
      const token = await claim(one);
      await claim(two, { leaseMs: 1 });
      await suite.store().requestCancel('acme', task.task.id);
      expect(await suite.store().releaseRun(token)).toBe('ok');
      expect(await run(one)).toMatchObject({ state: 'cancelled' });
      await delay(5);
      expect(await suite.store().claimRun(claimOf(two))).toEqual({ verdict: 'final', state: 'cancelled' });
      expect(await stateOf(task)).toBe('cancelled');
    });

    it('reaches a run whose record is made after the cancel', async () => {
      const { task } = newTask({ runs: 2 });
      const token = await started(orderOf(task, 0));
      await suite.store().requestCancel('acme', task.id);
      expect(await suite.store().claimRun(claimOf(orderOf(task, 1)))).toEqual({ verdict: 'final', state: 'cancelled' });
      expect(await suite.store().renewLeases([token], 1_000)).toMatchObject([{ cancelRequested: true }]);
    });
  });
}
