import { MoltError } from '@moltbot/shared';
import { expect, test } from 'vitest';
import type { Intake } from '../src/index.ts';
import { alice, bob, openLab, stranger } from './lab.ts';

/** 10 requests a second, 8 at once. */
const burst = 8;

async function admitted(door: Intake, times: number, principal = alice): Promise<number> {
  const decisions = await Promise.all(Array.from({ length: times }, () => door.admit(principal)));
  return decisions.filter(({ allowed }) => allowed).length;
}

test('a principal has its rate, whatever door it comes through, and others have theirs', async () => {
  const lab = await openLab();
  const [one, two] = [await lab.door(), await lab.door()];
  expect((await admitted(one, 5)) + (await admitted(two, 5))).toBe(burst);
  await expect(one.admit(alice)).resolves.toEqual({ allowed: false, remaining: 0, retryAfterMs: 100, resetMs: 800 });
  expect(await admitted(two, 10, bob)).toBe(burst);
  expect(await admitted(two, 10, stranger)).toBe(burst);
  lab.clock.advance(99);
  expect(await admitted(one, 1)).toBe(0);
  lab.clock.advance(1);
  expect(await admitted(one, 2)).toBe(1);
});

test('with the store down a door decides alone, at a quarter of the rate', async () => {
  const lab = await openLab();
  const door = await lab.door();
  await lab.store.stop();
  expect(await admitted(door, 10)).toBe(burst / 4);
  expect(await admitted(door, 10, bob)).toBe(burst / 4);
  expect(await admitted(door, 10, stranger)).toBe(burst / 4);
  lab.clock.advance(399);
  expect(await admitted(door, 1)).toBe(0);
  lab.clock.advance(1);
  expect(await admitted(door, 2)).toBe(1);
});

test('another failure of the store is not taken for its absence', async () => {
  const lab = await openLab();
  const takeToken = () => Promise.reject(new MoltError('MOLT_INTERNAL', 'a defect'));
  const door = await lab.door({ store: { ...lab.store, takeToken } });
  await expect(door.admit(alice)).rejects.toMatchObject({ code: 'MOLT_INTERNAL' });
});
