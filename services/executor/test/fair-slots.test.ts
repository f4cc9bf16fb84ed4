import { eventually } from '@moltbot/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createFairSlots } from '../src/fair-slots.ts';

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('never more than its slots run at once, and all that was offered runs', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 40 }),
      async (size, lines) => {
        const slots = createFairSlots(size, () => 1);
        let now = 0;
        let most = 0;
        let done = 0;
        for (const line of lines) {
          slots.offer(line, {
            async run() {
              now += 1;
              most = Math.max(most, now);
              await tick();
              now -= 1;
              done += 1;
            },
            since: 0,
            putOff: () => expect.unreachable(),
            giveBack: () => expect.unreachable(),
          });
        }
        await slots.idle();
        expect(most).toBeLessThanOrEqual(size);
        expect(done).toBe(lines.length);
      },
    ),
    { numRuns: 100 },
  );
});

test('lines share by weight while both have work, and a line that was empty saved up nothing', async () => {
  const slots = createFairSlots(1, (line) => (line === 'interactive' ? 4 : 1));
  const order: string[] = [];
  const offer = (line: string): void =>
    slots.offer(line, {
      run: async () => void order.push(line),
      since: 0,
      putOff: () => expect.unreachable(),
      giveBack: () => expect.unreachable(),
    });
  for (let n = 0; n < 100; n += 1) offer('batch');
  for (let n = 0; n < 100; n += 1) offer('interactive');
  await slots.idle();
  const firstHalf = order.slice(1, 101).filter((line) => line === 'interactive').length;
  expect(firstHalf).toBeGreaterThanOrEqual(75);
  expect(firstHalf).toBeLessThanOrEqual(85);
  expect(order).toHaveLength(200);
});

test('closing gives back what waits and lets what runs end', async () => {
  const slots = createFairSlots(1, () => 1);
  const gate = Promise.withResolvers<void>();
  const events: string[] = [];
  slots.offer('a', {
    run: () => gate.promise.then(() => void events.push('ran')),
    since: 0,
    putOff: () => expect.unreachable(),
    giveBack: () => events.push('never'),
  });
  slots.offer('a', {
    run: async () => void events.push('never'),
    since: 0,
    putOff: () => expect.unreachable(),
    giveBack: () => events.push('back'),
  });
  slots.close();
  slots.offer('a', {
    run: async () => void events.push('never'),
    since: 0,
    putOff: () => expect.unreachable(),
    giveBack: () => events.push('back'),
  });
  gate.resolve();
  await slots.idle();
  expect(events).toEqual(['back', 'back', 'ran']);
});

test('what has waited for too long is put off, and what came later keeps its place', async () => {
  const putOff: string[] = [];
  const ran: string[] = [];
  const slots = createFairSlots(1, () => 1);
  const gate = Promise.withResolvers<void>();
  const offer = (name: string, since: number, run = async (): Promise<void> => void ran.push(name)): void =>
    slots.offer('line', { since, run, giveBack: () => expect.unreachable(), putOff: () => putOff.push(name) });
  offer('running', 1, () => gate.promise);
  for (const [name, since] of [['old', 1] as const, ['older', 2] as const, ['new', 5] as const]) offer(name, since);
  slots.sweep(5);
  expect([putOff, slots.waiting(), slots.running()]).toEqual([['old', 'older'], 1, 1]);
  gate.resolve();
  await eventually('the one that stayed', () => ran.length === 1);
  expect(ran).toEqual(['new']);
});
