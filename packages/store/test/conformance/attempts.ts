import { setTimeout as delay } from 'node:timers/promises';
import { newId, type RunError, type RunOrder } from '@moltbot/shared';
import { describe, expect, it } from 'vitest';
import { claimOf, done, error, first, newTask, stderr, stdout } from '../fixtures.ts';
import type { Suite } from './suite.ts';

const broken: RunError = { code: 'MOLT_SSH_LOST', message: 'the link broke', remedy: 'look' };
const none = { stdout: 0, stderr: 0 };

/** What a run is from one holder and one attempt to the next. */
export function attemptsConformance(suite: Suite): void {
  describe('a claim that comes again', () => repeatedClaims(suite));
  describe('taking over', () => takingOver(suite));
  describe('letting go', () => lettingGo(suite));
  describe('retrying', () => retrying(suite));
}

function repeatedClaims({ store, accept, claim, run, takeOver }: Suite): void {
  it('under its id answers the same, whether it started the run or not', async () => {
    for (const start of [true, false]) {
      const order = first((await accept()).orders);
      const request = claimOf(order, { start });
      const answer = await store().claimRun(request);
      expect(answer).toMatchObject({
        verdict: 'run',
        attempt: 1,
        stored: none,
        ofAttempt: none,
        cancelRequested: false,
      });
      expect('startedAt' in answer).toBe(start);
      expect(await store().claimRun(request)).toEqual(answer);
      expect(await run(order)).toMatchObject({ state: start ? 'running' : 'claimed', attempts: 1 });
      expect(await store().claimRun(claimOf(order, { worker: 'w2' }))).toMatchObject({ verdict: 'busy' });
    }
  });

  it('tells whether the record of the run was made from its message, for as long as it stands', async () => {
    const accepted = first((await accept()).orders);
    const learned = first(newTask().orders);
    for (const [order, isLearned] of [
      [accepted, false],
      [learned, true],
    ] as const) {
      const held = await store().claimRun(claimOf(order));
      expect(held).toMatchObject({ verdict: 'run', isLearned });
      if (held.verdict !== 'run') return expect.fail('it was not claimed');
      await store().releaseRun(held.token);
      expect(await store().claimRun(claimOf(order, { start: true }))).toMatchObject({ verdict: 'run', isLearned });
      // It is not started before what was said of it is looked up.
      expect(await run(order)).toMatchObject({ state: isLearned ? 'claimed' : 'running' });
    }
  });

  it('answers the same when its lease is over and nobody came between, and then holds the run again', async () => {
    const order = first((await accept()).orders);
    const request = claimOf(order, { start: true, leaseMs: -1_000 });
    const answer = await store().claimRun(request);
    await delay(5);
    expect(await store().claimRun({ ...request, leaseMs: 10_000 })).toEqual(answer);
    expect(await store().claimRun(claimOf(order, { worker: 'w2' }))).toMatchObject({ verdict: 'busy' });
  });

  it('is lost again when it was lost', async () => {
    const order = first((await accept()).orders);
    await claim(order, { start: true, leaseMs: -1_000 });
    await delay(5);
    const claimId = newId();
    const lost = await takeOver(order, { claimId });
    expect(await takeOver(order, { claimId })).toEqual(lost);
  });

  it('is judged like any other when another held the run after it, or it was let go of', async () => {
    const order = first((await accept()).orders);
    const request = claimOf(order, { start: true, leaseMs: -1_000 });
    await store().claimRun(request);
    await delay(5);
    const other = await takeOver(order, { leaseMs: 10_000 });
    expect(await store().claimRun(request)).toMatchObject({ verdict: 'busy' });
    await store().releaseRun(other.token);
    expect(await store().claimRun(request)).toMatchObject({ verdict: 'lost' });
    const given = first((await accept()).orders);
    const claimId = newId();
    await store().releaseRun(await claim(given, { claimId }));
    expect(await store().claimRun(claimOf(given, { claimId }))).toMatchObject({ verdict: 'run', attempt: 2 });
  });

  it('tells of a cancel, and does not start what was only claimed', async () => {
    const { orders, task } = await accept({ runs: 2 });
    const [running, claimed] = orders as [RunOrder, RunOrder];
    const one = claimOf(running, { start: true });
    const two = claimOf(claimed);
    await store().claimRun(one);
    const answer = await store().claimRun(two);
    await store().requestCancel('acme', task.id);
    expect(await store().claimRun(one)).toMatchObject({ verdict: 'run', cancelRequested: true });
    expect(await store().claimRun(two)).toEqual({ ...answer, cancelRequested: true });
    expect(await store().claimRun({ ...two, start: true })).toEqual({ verdict: 'final', state: 'cancelled' });
    expect(await run(claimed)).toMatchObject({ state: 'cancelled' });
  });
}

function takingOver({ store, accept, claim, run, started, takeOver }: Suite): void {
  it('tells what is stored, when it started, and of a cancel', async () => {
    const order = first((await accept()).orders);
    const token = await started(order, { leaseMs: -1_000 });
    await store().appendOutput(token, 0, [stdout('abc'), stderr('de')]);
    const before = await run(order);
    await delay(5);
    const lost = await takeOver(order, { leaseMs: -1_000 });
    const bytes = { stdout: 3, stderr: 2 };
    expect(lost).toMatchObject({ attempt: 1, stored: bytes, ofAttempt: bytes, cancelRequested: false });
    expect(lost.startedAt).toBe(before?.startedAt);
    await store().requestCancel('acme', order.task.id);
    await delay(5);
    expect(await takeOver(order)).toMatchObject({ attempt: 1, stored: bytes, cancelRequested: true });
    expect(await run(order)).toMatchObject({ state: 'running', attempts: 1, startedAt: before?.startedAt });
  });

  it('is for one of many', async () => {
    const order = first((await accept()).orders);
    await claim(order, { start: true, leaseMs: -1_000 });
    await delay(5);
    const claims = await Promise.all(
      Array.from({ length: 20 }, (_, n) => store().claimRun(claimOf(order, { worker: `w${n}` }))),
    );
    expect(claims.filter(({ verdict }) => verdict === 'lost')).toHaveLength(1);
    expect(claims.filter(({ verdict }) => verdict === 'busy')).toHaveLength(19);
  });
}

function lettingGo({ store, accept, run, started, takeOver, stateOf, events }: Suite): void {
  it('of a running run stores the rest, ends the lease at once, and leaves it running', async () => {
    const task = await accept();
    const order = first(task.orders);
    const token = await started(order);
    await store().appendOutput(token, 0, [stdout('ab')]);
    const rest = { at: 1, chunks: [stdout('bc'), stderr('d')] };
    expect(await store().releaseRun(token, rest)).toBe('ok');
    expect(await run(order)).toMatchObject({ state: 'running', stdoutBytes: 3, stderrBytes: 1, truncated: false });
    expect(await stateOf(task)).toBe('running');
    const lost = await takeOver(order);
    expect(lost).toMatchObject({ attempt: 1, stored: { stdout: 3, stderr: 1 } });
    expect((await store().readOutput('acme', order.runId, 'stdout', 0, 9))?.data.toString()).toBe('abc');
    expect(await store().finishRun(lost.token, done)).toBe('ok');
    expect((await events(task)).filter((event) => event.kind === 'run').map((event) => event.state)).toEqual([
      'running',
      'succeeded',
    ]);
  });

  it('shows output that was lost before the rest as truncated, also when the run ends well', async () => {
    const order = first((await accept()).orders);
    const token = await started(order);
    expect(await store().releaseRun(token, { at: 7, chunks: [stdout('z')] })).toBe('ok');
    expect(await run(order)).toMatchObject({ truncated: true, stdoutBytes: 1 });
    const lost = await takeOver(order);
    await store().finishRun(lost.token, done, { at: 1, chunks: [] });
    expect(await run(order)).toMatchObject({ state: 'succeeded', truncated: true });
  });

  it('fences its holder off, who may say it again', async () => {
    const order = first((await accept()).orders);
    const token = await started(order);
    const rest = { at: 0, chunks: [stdout('once')] };
    expect(await store().releaseRun(token, rest)).toBe('ok');
    expect(await store().releaseRun(token, rest)).toBe('ok');
    expect(await store().renewLeases([token], 10_000)).toMatchObject([{ held: false }]);
    expect(await store().appendOutput(token, 4, [stdout('x')])).toEqual({ kind: 'fenced' });
    expect(await store().finishRun(token, done)).toBe('fenced');
    expect(await store().retryRun(token, { error, delayMs: 0 })).toBe('fenced');
    expect(await run(order)).toMatchObject({ state: 'running', stdoutBytes: 4 });
    expect((await takeOver(order)).token.fence).toBeGreaterThan(token.fence);
  });

  it('wins against a renewal that comes with it', async () => {
    for (let n = 0; n < 10; n++) {
      const order = first((await accept()).orders);
      const token = await started(order);
      const renew = () => store().renewLeases([token], 10_000);
      const [, released] = await Promise.all([renew(), store().releaseRun(token), renew(), renew()]);
      expect(released).toBe('ok');
      await takeOver(order);
    }
  });

  it('of a running run leaves a cancel to the next holder', async () => {
    const order = first((await accept()).orders);
    const token = await started(order);
    await store().requestCancel('acme', order.task.id);
    expect(await store().releaseRun(token)).toBe('ok');
    expect(await store().requestCancel('acme', order.task.id)).toMatchObject({ leased: [order] });
    expect(await takeOver(order)).toMatchObject({ cancelRequested: true });
  });
}

function retrying({ store, accept, claim, run, started, stateOf, events }: Suite): void {
  it('keeps a note of the attempt, and gives the next one what is its own', async () => {
    const task = await accept();
    const order = first(task.orders);
    const token = await started(order);
    await store().appendOutput(token, 0, [stdout('one')]);
    const began = Date.now();
    const rest = { at: 3, chunks: [stderr('oops')] };
    expect(await store().retryRun(token, { error: broken, delayMs: 5_000, rest })).toBe('ok');
    const record = await run(order);
    expect(record).toMatchObject({ state: 'queued', attempts: 1, stdoutBytes: 3, stderrBytes: 4, worker: undefined });
    const note = { attempt: 1, error: broken, stdoutBytes: 3, stderrBytes: 4 };
    expect(record?.history).toEqual([{ ...note, endedAt: expect.any(Number) }]);
    expect(record?.retryAt).toBe((first(record?.history ?? []).endedAt ?? 0) + 5_000);
    expect(record?.retryAt).toBeGreaterThan(began - 60_000);
    expect(await stateOf(task)).toBe('queued');

    const second = await store().claimRun(claimOf(order, { worker: 'w2', start: true }));
    if (second.verdict !== 'run') throw new Error(second.verdict);
    expect(second).toMatchObject({ attempt: 2, stored: { stdout: 3, stderr: 4 }, ofAttempt: none });
    expect((await run(order))?.retryAt).toBeUndefined();
    await store().appendOutput(second.token, 7, [stdout('two')]);
    await store().releaseRun(second.token);
    const third = await store().claimRun(claimOf(order, { leaseMs: 10_000 }));
    if (third.verdict !== 'lost') throw new Error(third.verdict);
    expect(third).toMatchObject({ attempt: 2, stored: { stdout: 6, stderr: 4 }, ofAttempt: { stdout: 3, stderr: 0 } });
    expect(await store().retryRun(third.token, { error, delayMs: 0 })).toBe('ok');
    expect((await run(order))?.history).toMatchObject([note, { attempt: 2, error, stdoutBytes: 6, stderrBytes: 4 }]);
    await store().finishRun(await started(order), done);
    expect(await run(order)).toMatchObject({ state: 'succeeded', attempts: 3, history: [note, { attempt: 2 }] });
    const told = (await events(task)).filter((event) => event.kind === 'run');
    expect(told.map(({ state }) => state)).toEqual(['running', 'queued', 'running', 'queued', 'running', 'succeeded']);
    expect(told[1]).toMatchObject({ runId: order.runId, retryAt: record?.retryAt, errorCode: 'MOLT_SSH_LOST' });
  });

  it('may be said again, and of what never started', async () => {
    const order = first((await accept()).orders);
    const token = await claim(order);
    expect(await store().retryRun(token, { error, delayMs: 0 })).toBe('ok');
    expect(await store().retryRun(token, { error, delayMs: 0 })).toBe('ok');
    expect((await run(order))?.history).toHaveLength(1);
    expect(await store().startRun(token)).toBe('fenced');
    expect(await store().finishRun(token, { state: 'cancelled' })).toBe('fenced');
    const next = await claim(order);
    expect(await store().retryRun(token, { error, delayMs: 0 })).toBe('ok');
    await store().releaseRun(next);
    expect(await run(order)).toMatchObject({ state: 'queued', attempts: 2, retryAt: undefined });
    expect((await run(order))?.history).toHaveLength(1);
  });

  it('ends the run where a cancel was asked for', async () => {
    const task = await accept();
    const order = first(task.orders);
    const token = await started(order);
    await store().requestCancel('acme', task.task.id);
    const retry = { error: broken, delayMs: 0, rest: { at: 0, chunks: [stdout('x')] } };
    expect(await store().retryRun(token, retry)).toBe('cancelled');
    expect(await store().retryRun(token, retry)).toBe('cancelled');
    expect(await run(order)).toMatchObject({ state: 'cancelled', stdoutBytes: 1, history: [], retryAt: undefined });
    expect(await stateOf(task)).toBe('cancelled');
  });

  it('and a cancel that comes with it leave the run cancelled, whoever is first', async () => {
    for (let n = 0; n < 10; n++) {
      const order = first((await accept()).orders);
      const token = await started(order);
      const cancel = () => store().requestCancel('acme', order.task.id);
      const retry = () => store().retryRun(token, { error, delayMs: 0 });
      await Promise.all(n % 2 === 0 ? [cancel(), retry()] : [retry(), cancel()]);
      expect(await run(order)).toMatchObject({ state: 'cancelled' });
    }
  });

  it('is for the holder alone', async () => {
    const order = first((await accept()).orders);
    const old = await claim(order, { leaseMs: -1_000 });
    await delay(5);
    const token = await claim(order, { worker: 'w2' });
    expect(await store().retryRun(old, { error, delayMs: 0 })).toBe('fenced');
    await store().startRun(token);
    await store().finishRun(token, done);
    expect(await store().retryRun(token, { error, delayMs: 0 })).toBe('illegal');
    expect(await run(order)).toMatchObject({ state: 'succeeded', history: [] });
  });
}
