import { newId, runIdOf } from '@moltbot/shared';
import { eventually } from '@moltbot/testkit';
import { describe, expect, it } from 'vitest';
import type { RunToken } from '../../src/port.ts';
import { done, first, stderr, stdout } from '../fixtures.ts';
import type { Suite } from './suite.ts';

/** Output, events and wake-ups. */
export function outputConformance(suite: Suite): void {
  const { accept, claim, started, run } = suite;
  describe('output', () => {
    it('gives back the bytes of each stream, from any offset', async () => {
      const order = first((await accept()).orders);
      const token = await started(order);
      const bytes = Buffer.from(Array.from({ length: 3_000 }, (_, n) => n % 256));
      expect(await suite.store().appendOutput(token, 0, [{ stream: 'stdout', data: bytes }, stderr('oops')])).toEqual({
        kind: 'ok',
      });
      expect(await suite.store().appendOutput(token, 3_004, [{ stream: 'stdout', data: bytes }])).toEqual({
        kind: 'ok',
      });
      const read = (from: number, max: number) => suite.store().readOutput('acme', order.runId, 'stdout', from, max);
      const both = Buffer.concat([bytes, bytes]);
      expect(await read(0, 10_000)).toEqual({ data: both, offset: 0, total: 6_000 });
      expect(await read(2_990, 20)).toEqual({ data: both.subarray(2_990, 3_010), offset: 2_990, total: 6_000 });
      expect(await read(5_999, 10)).toEqual({ data: both.subarray(5_999), offset: 5_999, total: 6_000 });
      expect(await read(6_000, 10)).toEqual({ data: Buffer.alloc(0), offset: 6_000, total: 6_000 });
      expect(await read(9_000, 10)).toEqual({ data: Buffer.alloc(0), offset: 6_000, total: 6_000 });
      const tail = (max: number) => suite.store().tailOutput('acme', order.runId, 'stdout', max);
      expect(await tail(5)).toEqual({ data: both.subarray(-5), offset: 5_995, total: 6_000 });
      expect(await tail(10_000)).toEqual({ data: both, offset: 0, total: 6_000 });
      expect(await suite.store().tailOutput('acme', order.runId, 'stderr', 100)).toEqual({
        data: Buffer.from('oops'),
        offset: 0,
        total: 4,
      });
      expect(await run(order)).toMatchObject({ stdoutBytes: 6_000, stderrBytes: 4 });
    });

    it('is empty for a run without output, and undefined for no run', async () => {
      const order = first((await accept()).orders);
      const empty = { data: Buffer.alloc(0), offset: 0, total: 0 };
      expect(await suite.store().readOutput('acme', order.runId, 'stdout', 0, 10)).toEqual(empty);
      expect(await suite.store().tailOutput('acme', order.runId, 'stderr', 10)).toEqual(empty);
      expect(await suite.store().readOutput('acme', runIdOf(newId(), 0), 'stdout', 0, 10)).toBeUndefined();
      expect(await suite.store().tailOutput('globex', order.runId, 'stdout', 10)).toBeUndefined();
    });

    it('stores an append that comes twice once, and says where it stands', async () => {
      const order = first((await accept()).orders);
      const token = await started(order);
      await suite.store().appendOutput(token, 0, [stdout('abc')]);
      expect(await suite.store().appendOutput(token, 0, [stdout('abc')])).toEqual({ kind: 'gap', storedBytes: 3 });
      expect(await suite.store().appendOutput(token, 9, [stdout('abc')])).toEqual({ kind: 'gap', storedBytes: 3 });
      expect(await suite.store().appendOutput(token, 3, [])).toEqual({ kind: 'ok' });
      expect(await run(order)).toMatchObject({ stdoutBytes: 3 });
    });

    it('takes no output of a run that is not running', async () => {
      const order = first((await accept()).orders);
      const token = await claim(order);
      expect(await suite.store().appendOutput(token, 0, [stdout('x')])).toEqual({ kind: 'fenced' });
      await suite.store().startRun(token);
      await suite.store().finishRun(token, done);
      expect(await suite.store().appendOutput(token, 0, [stdout('x')])).toEqual({ kind: 'fenced' });
    });

    it('takes the rest with the finish: what is stored already is left out', async () => {
      const order = first((await accept()).orders);
      const token = await started(order);
      await suite.store().appendOutput(token, 0, [stdout('ab'), stderr('cd'), stdout('e')]);
      const rest = { at: 1, chunks: [stdout('b'), stderr('cd'), stdout('ef'), stderr('g')] };
      expect(await suite.store().finishRun(token, done, rest)).toBe('ok');
      expect((await suite.store().readOutput('acme', order.runId, 'stdout', 0, 99))?.data.toString()).toBe('abef');
      expect((await suite.store().readOutput('acme', order.runId, 'stderr', 0, 99))?.data.toString()).toBe('cdg');
      expect(await run(order)).toMatchObject({ truncated: false });
    });

    it('shows output that was lost before the finish as truncated', async () => {
      const order = first((await accept()).orders);
      const token = await started(order);
      expect(await suite.store().finishRun(token, done, { at: 10, chunks: [stdout('end')] })).toBe('ok');
      expect(await run(order)).toMatchObject({ truncated: true, stdoutBytes: 3 });
    });
  });

  describe('watching', () => {
    it('wakes after each change, until it is ended', async () => {
      const task = await accept();
      const order = first(task.orders);
      let woken = 0;
      const end = suite.store().watchTask('acme', task.task.id, () => {
        woken += 1;
      });
      const wakes = async (change: () => Promise<unknown>): Promise<void> => {
        const before = woken;
        await change();
        await eventually('a wake', () => woken > before);
      };
      let token: RunToken | undefined;
      await wakes(async () => {
        token = await claim(order);
      });
      if (!token) throw new Error('no claim');
      const held = token;
      await wakes(() => suite.store().startRun(held));
      await wakes(() => suite.store().appendOutput(held, 0, [stdout('x')]));
      await wakes(() => suite.store().requestCancel('acme', task.task.id));
      await wakes(() => suite.store().finishRun(held, { state: 'cancelled' }));
      end();
      end();
      const other = await accept();
      const before = woken;
      let others = 0;
      const endOther = suite.store().watchTask('acme', other.task.id, () => {
        others += 1;
      });
      await suite.store().requestCancel('acme', other.task.id);
      await eventually('the other wakes', () => others > 0);
      endOther();
      expect(woken).toBe(before);
    });

    it('wakes those who wait for the end once it is there, and those who come a moment after', async () => {
      const task = await accept();
      const order = first(task.orders);
      const woken = { before: 0, after: 0 };
      const endBefore = suite.store().watchEnd('acme', task.task.id, () => {
        woken.before += 1;
      });
      const token = await started(order);
      const early = woken.before;
      await suite.store().finishRun(token, done);
      await eventually('a wake at the end', () => woken.before > early);
      endBefore();
      const endAfter = suite.store().watchEnd('acme', task.task.id, () => {
        woken.after += 1;
      });
      await eventually('a wake after the end', () => woken.after > 0);
      endAfter();
    });

    it('wakes all who watch one task, and goes on when one of them ends', async () => {
      const task = await accept();
      const woken = { one: 0, two: 0 };
      const one = suite.store().watchTask('acme', task.task.id, () => {
        woken.one += 1;
      });
      const two = suite.store().watchTask('acme', task.task.id, () => {
        woken.two += 1;
      });
      const token = await claim(first(task.orders));
      await eventually('both wake', () => woken.one > 0 && woken.two > 0);
      one();
      const before = { ...woken };
      await suite.store().startRun(token);
      await eventually('the second wakes', () => woken.two > before.two);
      two();
    });
  });
}
