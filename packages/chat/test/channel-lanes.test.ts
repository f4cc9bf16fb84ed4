import { systemClock } from '@moltbot/shared';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createChannelLanes, type Urgency } from '../src/posts/channel-lanes.ts';

const lanesOf = (channel: { calls: number; perMs: number; reserve: number }, signal = new AbortController().signal) =>
  createChannelLanes({ limits: { channel }, clock: systemClock, signal });

test('calls of one channel are made one after another, in the order they were asked for', async () => {
  const lanes = lanesOf({ calls: 100, perMs: 1_000, reserve: 0 });
  const done: number[] = [];
  let atOnce = 0;
  await Promise.all(
    [30, 1, 10].map((ms, index) =>
      lanes.turn('a', 'first', async () => {
        atOnce += 1;
        expect(atOnce).toBe(1);
        await systemClock.sleep(ms);
        atOnce -= 1;
        done.push(index);
      }),
    ),
  );
  expect(done).toEqual([0, 1, 2]);
});

test('what is final goes before progress, and never beyond the budget', async () => {
  const channel = { calls: 4, perMs: 400, reserve: 2 };
  const lanes = lanesOf(channel);
  const at: { readonly urgency: Urgency; readonly ms: number }[] = [];
  const begun = performance.now();
  const ask = (urgency: Urgency) =>
    lanes.turn('a', urgency, async () => void at.push({ urgency, ms: performance.now() - begun }));
  await Promise.all([...Array(4).fill('progress'), ...Array(4).fill('final')].map((urgency: Urgency) => ask(urgency)));
  const order = at.map(({ urgency }) => urgency);
  expect(order.indexOf('final')).toBeLessThan(2);
  expect(order.lastIndexOf('final')).toBeLessThan(order.indexOf('progress', 1) === -1 ? 9 : 5);
  for (const [index, { ms }] of at.entries()) {
    const later = at[index + channel.calls];
    if (later) expect(later.ms - ms).toBeGreaterThanOrEqual(channel.perMs - 15);
  }
});

test('after a refusal nothing is said in that channel for a while, in others it is', async () => {
  const lanes = lanesOf({ calls: 100, perMs: 1_000, reserve: 0 });
  lanes.coolOff('a', 150);
  const begun = performance.now();
  await lanes.turn('b', 'final', async () => {});
  expect(performance.now() - begun).toBeLessThan(100);
  await lanes.turn('a', 'final', async () => {});
  expect(performance.now() - begun).toBeGreaterThanOrEqual(149);
});

test('a failed call is the failure of who asked for it alone', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 10 }), async (fails) => {
      const lanes = lanesOf({ calls: 100, perMs: 1_000, reserve: 0 });
      const outcomes = await Promise.allSettled(
        fails.map((isFailing, index) =>
          lanes.turn('a', 'first', async () => {
            if (isFailing) throw new Error('failed');
            return index;
          }),
        ),
      );
      expect(outcomes.map(({ status }) => status === 'rejected')).toEqual(fails);
    }),
    { numRuns: 30 },
  );
});

test('those that wait are told when it is over', async () => {
  const over = new AbortController();
  const lanes = lanesOf({ calls: 1, perMs: 60_000, reserve: 0 }, over.signal);
  await lanes.turn('a', 'first', async () => {});
  const waiting = lanes.turn('a', 'first', async () => {});
  over.abort(new Error('over'));
  await expect(waiting).rejects.toThrow('over');
});
