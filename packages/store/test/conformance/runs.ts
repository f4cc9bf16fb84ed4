import { setTimeout as delay } from 'node:timers/promises';
import { newId, type RunOrder, type RunOutcome, runIdOf } from '@moltbot/shared';
import { describe, expect, it } from 'vitest';
import { claimOf, done, error, first, newTask, orderOf, stderr, stdout } from '../fixtures.ts';
import type { Suite } from './suite.ts';

/** The moves of a run. */
export function runsConformance(suite: Suite): void {
  const { accept, claim, started, run, stateOf, events } = suite;
  describe('the way of a run', () => {
    it('goes from queued over claimed and running to its end', async () => {
      const task = await accept();
      const order = first(task.orders);
      const token = await claim(order);
      expect(await run(order)).toMatchObject({ state: 'claimed', attempts: 1, worker: 'w1' });
      expect(await stateOf(task)).toBe('running');
      expect(await suite.store().startRun(token)).toBe('ok');
      expect((await run(order))?.startedAt).toBeGreaterThan(Date.now() - 60_000);
      expect(await suite.store().finishRun(token, { state: 'failed', exitCode: 3, truncated: true })).toBe('ok');
      expect(await run(order)).toMatchObject({ state: 'failed', exitCode: 3, truncated: true });
      const record = await suite.store().getTask('acme', task.task.id);
      expect(record).toMatchObject({ state: 'failed', counts: { failed: 1 } });
      expect(record?.finishedAt).toBe((await run(order))?.finishedAt);
    });

    it('keeps the data that the action gave, whatever it is', async () => {
      const text = `\u{0}"\\ ü \u{1f600} \ud800 ${'x'.repeat(60_000)}`;
      for (const data of [{ a: [1.5, -0.25, true, null, { '': text }] }, [], {}, text, '', 0, false, null]) {
        const order = first((await accept()).orders);
        const token = await started(order);
        expect((await run(order))?.data).toBeUndefined();
        const rest = { at: 0, chunks: [stdout('beside it')] };
        expect(await suite.store().finishRun(token, { ...done, data }, rest)).toBe('ok');
        expect(await run(order)).toMatchObject({ state: 'succeeded', exitCode: 0, stdoutBytes: 9 });
        expect((await run(order))?.data).toStrictEqual(data);
      }
    });

    it('has no data where the action gave none, also when it failed', async () => {
      const orders = (await accept({ runs: 2 })).orders as [RunOrder, RunOrder];
      await suite.store().finishRun(await started(orders[0]), done);
      await suite.store().finishRun(await started(orders[1]), { state: 'failed', exitCode: 2, data: { why: 'full' } });
      expect((await run(orders[0]))?.data).toBeUndefined();
      expect((await run(orders[1]))?.data).toEqual({ why: 'full' });
    });

    it('starts with its claim when that is asked for, and is then started for everybody', async () => {
      const task = await accept();
      const order = first(task.orders);
      const token = await claim(order, { start: true, leaseMs: 50 });
      expect(await run(order)).toMatchObject({ state: 'running', attempts: 1, worker: 'w1' });
      expect((await run(order))?.startedAt).toBeGreaterThan(Date.now() - 60_000);
      expect(await stateOf(task)).toBe('running');
      expect(await suite.store().startRun(token)).toBe('illegal');
      await delay(60);
      const later = await suite.store().claimRun(claimOf(order, { worker: 'w2', start: true }));
      expect(later).toMatchObject({ verdict: 'lost', attempt: 1 });
      expect(await suite.store().finishRun(token, done)).toBe('fenced');
    });

    it('tells of it in events that grow, and that can be read on from any of them', async () => {
      const task = await accept();
      const order = first(task.orders);
      const token = await started(order);
      await suite.store().appendOutput(token, 0, [stdout('ab'), stdout('c'), stderr('d')]);
      await suite
        .store()
        .finishRun(token, { state: 'failed', signal: 'KILL', error }, { at: 4, chunks: [stdout('é')] });
      const all = await events(task);
      const { runId } = order;
      expect(all.map(({ seq: _, at: __, ...event }) => event)).toEqual([
        { kind: 'task', state: 'queued' },
        { kind: 'task', state: 'running' },
        { kind: 'run', runId, state: 'running' },
        { kind: 'output', runId, stream: 'stdout', offset: 0, length: 3 },
        { kind: 'output', runId, stream: 'stderr', offset: 0, length: 1 },
        { kind: 'output', runId, stream: 'stdout', offset: 3, length: 2 },
        { kind: 'run', runId, state: 'failed', signal: 'KILL', errorCode: 'MOLT_BUS_FULL' },
        { kind: 'task', state: 'failed' },
      ]);
      const seqs = all.map(({ seq }) => seq);
      expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
      expect(await events(task, seqs[2], 2)).toEqual(all.slice(3, 5));
      expect(await events(task, seqs.at(-1))).toEqual([]);
    });

    it('gives the task the state of its runs', async () => {
      const task = await accept({ runs: 2 });
      const [one, two] = task.orders as [RunOrder, RunOrder];
      await suite.store().finishRun(await started(one), { state: 'failed', exitCode: 1 });
      expect(await stateOf(task)).toBe('running');
      await suite.store().finishRun(await started(two), done);
      expect(await suite.store().getTask('acme', task.task.id)).toMatchObject({
        state: 'failed',
        counts: { failed: 1, succeeded: 1 },
      });
      const states = (await events(task)).filter(({ kind }) => kind === 'task');
      expect(states).toMatchObject([{ state: 'queued' }, { state: 'running' }, { state: 'failed' }]);
    });

    it('makes the records from the order when they are not there', async () => {
      const { task } = newTask({ runs: 2 });
      await suite.store().finishRun(await started(orderOf(task, 1)), done);
      expect(await suite.store().getTask('acme', task.id)).toMatchObject({ task, counts: { queued: 1, succeeded: 1 } });
      expect((await suite.store().getRuns('acme', task.id)).map(({ index }) => index)).toEqual([1]);
      await suite.store().finishRun(await started(orderOf(task, 0)), done);
      expect(await suite.store().getTask('acme', task.id)).toMatchObject({
        state: 'succeeded',
        counts: { succeeded: 2 },
      });
    });

    it('lets one of many claims win', async () => {
      const order = first((await accept()).orders);
      const claims = await Promise.all(
        Array.from({ length: 20 }, (_, n) => suite.store().claimRun(claimOf(order, { worker: `w${n}` }))),
      );
      expect(claims.filter(({ verdict }) => verdict === 'run')).toHaveLength(1);
      expect(claims.filter(({ verdict }) => verdict === 'busy')).toHaveLength(19);
    });

    it('does not move a run on the word of a token that is not the newest', async () => {
      const order = first((await accept()).orders);
      const old = await claim(order, { leaseMs: -1_000 });
      await delay(5);
      const token = await claim(order, { worker: 'w2' });
      expect(token.fence).toBeGreaterThan(old.fence);
      expect(await suite.store().startRun(old)).toBe('fenced');
      expect(await suite.store().releaseRun(old)).toBe('fenced');
      expect(await suite.store().finishRun(old, { state: 'failed' })).toBe('fenced');
      expect(await suite.store().appendOutput(old, 0, [stdout('x')])).toEqual({ kind: 'fenced' });
      expect(await suite.store().startRun({ ...token, runId: runIdOf(newId(), 0) })).toBe('fenced');
      expect(await run(order)).toMatchObject({ state: 'claimed', worker: 'w2', attempts: 2, stdoutBytes: 0 });
      expect(await suite.store().startRun(token)).toBe('ok');
    });

    it('refuses moves that the table does not have, and changes nothing', async () => {
      const order = first((await accept()).orders);
      const token = await claim(order);
      expect(await suite.store().finishRun(token, done)).toBe('illegal');
      expect(await run(order)).toMatchObject({ state: 'claimed' });
      expect(await suite.store().startRun(token)).toBe('ok');
      expect(await suite.store().startRun(token)).toBe('illegal');
      expect(await suite.store().finishRun(token, { state: 'expired' })).toBe('illegal');
      expect(await suite.store().finishRun(token, done)).toBe('ok');
      expect(await suite.store().startRun(token)).toBe('illegal');
      expect(await suite.store().releaseRun(token)).toBe('illegal');
      expect(await suite.store().finishRun(token, { state: 'failed' })).toBe('illegal');
      expect(await run(order)).toMatchObject({ state: 'succeeded' });
    });

    it('says ok to a finish that comes twice, and stores its output once', async () => {
      const order = first((await accept()).orders);
      const token = await started(order);
      const rest = { at: 0, chunks: [stdout('once')] };
      expect(await suite.store().finishRun(token, done, rest)).toBe('ok');
      expect(await suite.store().finishRun(token, done, rest)).toBe('ok');
      expect(await run(order)).toMatchObject({ stdoutBytes: 4 });
      expect(await suite.store().claimRun(claimOf(order))).toEqual({ verdict: 'final', state: 'succeeded' });
    });

    it('takes back a run that was not started', async () => {
      const task = await accept();
      const order = first(task.orders);
      const token = await claim(order);
      expect(await suite.store().releaseRun(token)).toBe('ok');
      expect(await stateOf(task)).toBe('queued');
      expect((await run(order))?.worker).toBeUndefined();
      expect(await suite.store().startRun(token)).toBe('fenced');
      expect(await suite.store().releaseRun(token)).toBe('ok');
      const next = await claim(order, { worker: 'w2' });
      expect(next.fence).toBeGreaterThan(token.fence);
      expect(await run(order)).toMatchObject({ attempts: 2 });
    });
  });

  describe('abandoning', () => {
    const outcome: RunOutcome = { state: 'undeliverable', error: { ...error, code: 'MOLT_RUN_UNDELIVERABLE' } };
    it('ends what waits, and what a gone worker had claimed, and fences that worker off', async () => {
      const task = await accept({ runs: 2 });
      const [one, two] = task.orders as [RunOrder, RunOrder];
      const token = await claim(two, { leaseMs: -1_000 });
      await delay(5);
      expect(await suite.store().abandonRun(one, outcome)).toBe('ok');
      expect(await suite.store().abandonRun(one, outcome)).toBe('ok');
      expect(await suite.store().abandonRun(two, outcome)).toBe('ok');
      expect(await suite.store().startRun(token)).toBe('fenced');
      expect(await run(two)).toMatchObject({ state: 'undeliverable', error: outcome.error });
      expect(await stateOf(task)).toBe('undeliverable');
    });

    it('leaves alone what a worker holds, what runs, and what has ended', async () => {
      const task = await accept({ runs: 3 });
      const [held, running, ended] = task.orders as [RunOrder, RunOrder, RunOrder];
      await claim(held);
      await started(running, { leaseMs: -1_000 });
      await suite.store().finishRun(await started(ended), done);
      await delay(5);
      for (const order of task.orders) expect(await suite.store().abandonRun(order, outcome)).toBe('illegal');
      expect((await suite.store().getRuns('acme', task.task.id)).map(({ state }) => state)).toEqual([
        'claimed',
        'running',
        'succeeded',
      ]);
    });

    it('makes the records when they are not there', async () => {
      const { task } = newTask();
      expect(await suite.store().abandonRun(orderOf(task, 0), outcome)).toBe('ok');
      expect(await suite.store().getTask('acme', task.id)).toMatchObject({ state: 'undeliverable' });
    });
  });
}
