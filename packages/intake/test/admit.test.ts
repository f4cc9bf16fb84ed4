import { MoltError, newId, type Principal } from '@moltbot/shared';
import { gcra, type Rate, type RateDecision, type Store } from '@moltbot/store';
import { array, assert, asyncProperty, constantFrom, integer, nat, record } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createAdmission } from '../src/admit.ts';
import type { Intake } from '../src/index.ts';
import { alice, bob, type Lab, openLab, stranger } from './lab.ts';

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

describe('tokens taken ahead', () => {
  type Admit = (principal?: Principal) => Promise<RateDecision>;

  /** Doors on the store of the lab for a principal nobody has seen, and how often they asked it. */
  function openDoors(lab: Lab, requests: Rate, store: Pick<Store, 'takeToken'> = lab.store) {
    const counter = { asked: 0 };
    const takeToken: Store['takeToken'] = (request) => {
      counter.asked += 1;
      return store.takeToken(request);
    };
    const known = { ...alice, id: newId() };
    const open = (): Admit => {
      const admit = createAdmission({ requests, store: { takeToken }, monotonic: lab.clock.monotonic });
      return (principal = known) => admit(principal);
    };
    return { counter, known, doors: [open(), open()] as const };
  }

  const allowedOf = (decisions: readonly RateDecision[]): number => decisions.filter(({ allowed }) => allowed).length;
  const atOnce = (admit: Admit, times: number): Promise<readonly RateDecision[]> =>
    Promise.all(Array.from({ length: times }, () => admit()));

  test('a burst at one door is answered as if the store were asked each time, and mostly without asking it', async () => {
    const lab = await openLab();
    const rate = { perSecond: 100, burst: 200 };
    const { counter, doors } = openDoors(lab, rate);
    for (let n = 1, fullAt = 0; n <= 201; n++) {
      const plain = gcra(fullAt, lab.clock.now() * 1_000, rate);
      expect(await doors[0]()).toEqual(plain.decision);
      fullAt = plain.fullAtUs;
    }
    expect(counter.asked).toBeLessThan(50);
  });

  test('requests at once do not ask for more ahead than one does, and get the whole burst', async () => {
    const lab = await openLab();
    const { doors } = openDoors(lab, { perSecond: 100, burst: 200 });
    const decisions = await atOnce(doors[0], 100);
    expect(Math.min(...decisions.map(({ remaining }) => remaining))).toBe(100);
    expect(allowedOf(await atOnce(doors[1], 100))).toBe(84);
    expect(allowedOf(await atOnce(doors[0], 100))).toBe(16);
  });

  test('a request that finds the bucket emptied by one before it spends what that one took along', async () => {
    const lab = await openLab();
    const { doors } = openDoors(lab, { perSecond: 100, burst: 200 });
    expect(allowedOf(await atOnce(doors[0], 250))).toBe(200);
  });

  test('what is not spent within a second is forgotten', async () => {
    const lab = await openLab();
    const { counter, doors } = openDoors(lab, { perSecond: 100, burst: 200 });
    await doors[0]();
    lab.clock.advance(999);
    await doors[0]();
    expect(counter.asked).toBe(1);
    lab.clock.advance(1);
    await doors[0]();
    expect(counter.asked).toBe(2);
  });

  test('tokens are spent by the one they were taken for, and with the store down before the share of the door', async () => {
    const lab = await openLab();
    let down = false;
    const takeToken: Store['takeToken'] = (request) =>
      down ? Promise.reject(new MoltError('MOLT_STORE_DOWN', 'gone')) : lab.store.takeToken(request);
    const { doors, known } = openDoors(lab, { perSecond: 100, burst: 200 }, { takeToken });
    await doors[0]();
    down = true;
    const others = [
      { ...known, tenant: 'other' },
      { ...known, id: newId() },
    ];
    for (const other of others) expect(allowedOf(await atOnce(() => doors[0](other), 100))).toBe(50);
    expect(allowedOf(await atOnce(doors[0], 100))).toBe(16 + 50);
  });

  const rates = { perSecond: integer({ min: 1, max: 400 }), burst: integer({ min: 1, max: 300 }) };
  const step = record({ door: constantFrom(0, 1), times: integer({ min: 1, max: 40 }), pauseMs: nat(1_200) });
  const steps = array(step, { minLength: 1, maxLength: 30 });

  test('two doors admit no more than the burst and the rate, and what they held before', async () => {
    const lab = await openLab();
    const sameRate = async (perSecond: number, burst: number, given: readonly Step[]): Promise<void> => {
      const { doors } = openDoors(lab, { perSecond, burst });
      const admissions: Admissions[] = [];
      for (const { door, times, pauseMs } of given) {
        admissions.push({ at: lab.clock.now(), count: allowedOf(await atOnce(doors[door], times)) });
        lab.clock.advance(pauseMs);
      }
      const gives = (ms: number): number => burst + Math.floor((ms * 1_000) / tokenUs(perSecond));
      for (const [first, { from, until, admitted }] of windowsOf(admissions)) {
        const held = first ? 0 : 2 * heldAtMost({ perSecond, burst });
        expect(admitted).toBeLessThanOrEqual(gives(until - from) + held);
      }
    };
    await assert(asyncProperty(rates.perSecond, rates.burst, steps, sameRate));
  });

  test.each([
    ['a bucket of eight tokens with the same rate', ofEight],
    ['the bucket without what two doors may hold and forget', withoutHeld],
  ])('two doors refuse nothing that would pass %s', async (_, narrower) => {
    const lab = await openLab();
    const neverRefused = async (perSecond: number, burst: number, given: readonly Step[]): Promise<void> => {
      const { doors } = openDoors(lab, { perSecond, burst });
      let fullAt = 0;
      for (const { door, times, pauseMs } of given) {
        let passing = 0;
        for (let n = 0; n < times; n++) {
          const { decision, fullAtUs } = gcra(fullAt, lab.clock.now() * 1_000, narrower({ perSecond, burst }));
          if (decision.allowed) passing += 1;
          fullAt = fullAtUs;
        }
        expect(allowedOf(await atOnce(doors[door], passing))).toBe(passing);
        lab.clock.advance(pauseMs);
      }
    };
    await assert(asyncProperty(rates.perSecond, rates.burst, steps, neverRefused));
  });
});

interface Step {
  readonly door: 0 | 1;
  readonly times: number;
  readonly pauseMs: number;
}

interface Admissions {
  readonly at: number;
  readonly count: number;
}

interface Window {
  readonly from: number;
  readonly until: number;
  readonly admitted: number;
}

/** From each of the admissions to each after it, and whether it begins with the first of all. */
function* windowsOf(admissions: readonly Admissions[]): Generator<[boolean, Window]> {
  for (const [first, { at: from }] of admissions.entries()) {
    let admitted = 0;
    for (const { at: until, count } of admissions.slice(first)) {
      admitted += count;
      yield [first === 0, { from, until, admitted }];
    }
  }
}

const tokenUs = (perSecond: number): number => Math.round(1_000_000 / perSecond);

/** Tokens are taken along only where seven are left. */
function ofEight({ perSecond, burst }: Rate): Rate {
  return { perSecond, burst: Math.min(8, burst) };
}

/** By one door. */
const heldAtMost = ({ perSecond, burst }: Rate): number =>
  Math.min(16, Math.floor(perSecond / 4), Math.floor((burst - 1) / 8));

/** Each door may forget once a second what it holds, and the one that is not asked is holding as many. */
function withoutHeld({ perSecond, burst }: Rate): Rate {
  const held = heldAtMost({ perSecond, burst });
  const token = Math.ceil(1_000_000 / (1_000_000 / tokenUs(perSecond) - 2 * held));
  return { perSecond: 1_000_000 / token, burst: burst - held };
}
