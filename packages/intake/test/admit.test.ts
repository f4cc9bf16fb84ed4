import { MoltError, newId, type Principal } from '@moltbot/shared';
import { gcra, type Rate, type RateDecision, type Store } from '@moltbot/store';
import { array, assert, asyncProperty, constant, constantFrom, integer, nat, oneof, record } from 'fast-check';
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

  /** Doors on the store of the lab for a principal nobody has seen, how often they asked it, and what they took. */
  function openDoors(lab: Lab, requests: Rate, store: Pick<Store, 'takeToken'> = lab.store) {
    const counter = { asked: 0, taken: 0, aheadAtMost: 0 };
    const takeToken: Store['takeToken'] = async (request) => {
      counter.asked += 1;
      const answer = await store.takeToken(request);
      if (answer.allowed) counter.taken += 1 + answer.ahead;
      counter.aheadAtMost = Math.max(counter.aheadAtMost, answer.ahead);
      return answer;
    };
    const known = { ...alice, id: newId() };
    const open = (): Admit => {
      const admit = createAdmission({ requests, store: { takeToken }, monotonic: lab.clock.monotonic });
      return (principal = known) => admit(principal);
    };
    return { counter, known, open, doors: [open(), open()] as const };
  }

  const allowedOf = (decisions: readonly RateDecision[]): number => decisions.filter(({ allowed }) => allowed).length;
  const atOnce = (admit: Admit, times: number): Promise<readonly RateDecision[]> =>
    Promise.all(Array.from({ length: times }, () => admit()));
  async function oneByOne(admit: Admit, times: number): Promise<number> {
    let passed = 0;
    for (let n = 0; n < times; n++) if ((await admit()).allowed) passed += 1;
    return passed;
  }

  /** Spends what the door takes along, 0, 1, 2 and 3 tokens: with the next request it takes four. */
  const warm = (admit: Admit): Promise<number> => oneByOne(admit, 10);

  test('a burst at one door is answered as if the store were asked each time, and mostly without asking it', async () => {
    const lab = await openLab();
    const rate = { perSecond: 100, burst: 200 };
    const { counter, doors } = openDoors(lab, rate);
    const plain = createPlain(lab, rate);
    for (let n = 1; n <= 201; n++) expect(await doors[0]()).toEqual(plain());
    expect(counter.asked).toBeLessThan(50);
  });

  test('requests at once do not ask for more ahead than one does, and get the whole burst', async () => {
    const lab = await openLab();
    const { doors } = openDoors(lab, { perSecond: 100, burst: 200 });
    await warm(doors[0]);
    const decisions = await atOnce(doors[0], 90);
    expect(Math.min(...decisions.map(({ remaining }) => remaining))).toBe(100);
    expect(allowedOf(await atOnce(doors[1], 100))).toBe(96);
    expect(allowedOf(await atOnce(doors[0], 100))).toBe(4);
  });

  test('a request that finds the bucket emptied by one before it spends what that one took along', async () => {
    const lab = await openLab();
    const { doors } = openDoors(lab, { perSecond: 100, burst: 200 });
    await warm(doors[0]);
    expect(allowedOf(await atOnce(doors[0], 250))).toBe(190);
  });

  test('what is not spent within a second is forgotten, and not taken again', async () => {
    const lab = await openLab();
    const { counter, doors } = openDoors(lab, { perSecond: 100, burst: 200 });
    await warm(doors[0]);
    await doors[0]();
    expect(counter).toMatchObject({ asked: 5, taken: 15 });
    lab.clock.advance(999);
    await doors[0]();
    expect(counter).toMatchObject({ asked: 5, taken: 15 });
    lab.clock.advance(1);
    await doors[0]();
    expect(counter).toMatchObject({ asked: 6, taken: 15 + 1 + 1 });
  });

  test.each([
    [100, 16],
    [30, 7],
    [3, 0],
  ])('of a rate of %i a second no more than %i tokens are taken along', async (perSecond, most) => {
    const lab = await openLab();
    const { counter, doors } = openDoors(lab, { perSecond, burst: 500 });
    await oneByOne(doors[0], 300);
    expect(counter.aheadAtMost).toBe(most);
  });

  test('a door that is asked seldom takes nothing along', async () => {
    const lab = await openLab();
    const { counter, doors } = openDoors(lab, { perSecond: 100, burst: 200 });
    for (let n = 0; n < 5; n++) {
      await doors[0]();
      lab.clock.advance(1_000);
    }
    expect(counter).toMatchObject({ asked: 5, taken: 5 });
  });

  test('tokens are spent by the one they were taken for, and with the store down before the share of the door', async () => {
    const lab = await openLab();
    let down = false;
    const takeToken: Store['takeToken'] = (request) =>
      down ? Promise.reject(new MoltError('MOLT_STORE_DOWN', 'gone')) : lab.store.takeToken(request);
    const { doors, known } = openDoors(lab, { perSecond: 100, burst: 200 }, { takeToken });
    await warm(doors[0]);
    await doors[0]();
    down = true;
    const others = [
      { ...known, tenant: 'other' },
      { ...known, id: newId() },
    ];
    for (const other of others) expect(allowedOf(await atOnce(() => doors[0](other), 100))).toBe(50);
    expect(allowedOf(await atOnce(doors[0], 100))).toBe(4 + 50);
  });

  const rates = { perSecond: integer({ min: 1, max: 400 }), burst: integer({ min: 1, max: 300 }) };
  const step = record({
    door: constantFrom(0, 1),
    times: oneof(constant(1), integer({ min: 1, max: 40 })),
    pauseMs: nat(1_200),
  });
  const steps = array(step, { minLength: 1, maxLength: 30 });

  test('two doors admit no more than the burst and the rate, and what they held before', async () => {
    const lab = await openLab();
    const sameRate = async (perSecond: number, burst: number, given: readonly Step[]): Promise<void> => {
      const { doors } = openDoors(lab, { perSecond, burst });
      const admissions: Admissions[] = [];
      for (const { door, times, pauseMs } of given) {
        admissions.push({ at: lab.clock.now(), count: await oneByOne(doors[door], times) });
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
      const plain = createPlain(lab, narrower({ perSecond, burst }));
      for (const { door, times, pauseMs } of given) {
        let passing = 0;
        for (let n = 0; n < times; n++) if (plain().allowed) passing += 1;
        expect(await oneByOne(doors[door], passing)).toBe(passing);
        lab.clock.advance(pauseMs);
      }
    };
    await assert(asyncProperty(rates.perSecond, rates.burst, steps, neverRefused));
  });

  test('a door forgets no more than one token for every two requests', async () => {
    const lab = await openLab();
    const forgetsFew = async (perSecond: number, burst: number, given: readonly Step[]): Promise<void> => {
      const { counter, doors } = openDoors(lab, { perSecond, burst });
      let requests = 0;
      for (const { door, times, pauseMs } of given) {
        await oneByOne(doors[door], times);
        lab.clock.advance(pauseMs);
        requests += times;
        expect(counter.taken).toBeLessThanOrEqual(requests * 1.5);
      }
    };
    await assert(asyncProperty(rates.perSecond, rates.burst, steps, forgetsFew));
  });

  /** With a request at each door again and again, until all are refused. */
  async function drain(doors: readonly Admit[]): Promise<number> {
    const passed = allowedOf(await Promise.all(doors.map((admit) => admit())));
    return passed === 0 ? 0 : passed + (await drain(doors));
  }

  test.each([1, 2, 4, 8, 16])(
    'requests that come evenly under the limit at %i doors in turn cost the burst after them nothing',
    async (count) => {
      const lab = await openLab();
      const burstIsWhole = async (everyMs: number, spare: number, burst: number): Promise<void> => {
        const rate = { perSecond: Math.ceil(1_000 / everyMs) + spare, burst };
        const { open } = openDoors(lab, rate);
        const doors = Array.from({ length: count }, open);
        const plain = createPlain(lab, rate);
        for (const over = lab.clock.now() + 4_000; lab.clock.now() < over; ) {
          for (const admit of doors) {
            lab.clock.advance(everyMs);
            expect([(await admit()).allowed, plain().allowed]).toEqual([true, true]);
          }
        }
        let passing = 0;
        while (plain().allowed) passing += 1;
        // Those that come evenly are all spent: the bound is what plain gcra passes, less nothing.
        expect(await drain(doors)).toBeGreaterThanOrEqual(passing);
      };
      const everyMs = integer({ min: 4, max: 100 });
      await assert(asyncProperty(everyMs, nat(100), rates.burst, burstIsWhole), { numRuns: 30 });
    },
  );

  test('a door that is asked all the time asks the store for less than a quarter of its requests', async () => {
    const lab = await openLab();
    const { counter, doors } = openDoors(lab, { perSecond: 100, burst: 200 });
    for (let n = 0; n < 400; n++) {
      await doors[0]();
      lab.clock.advance(12);
    }
    expect(counter.asked).toBeLessThan(100);
  });
});

/** A bucket nobody takes ahead from, at the time of the lab. */
function createPlain({ clock }: Lab, rate: Rate): () => RateDecision {
  let fullAt = 0;
  return () => {
    const { decision, fullAtUs } = gcra(fullAt, clock.now() * 1_000, rate);
    fullAt = fullAtUs;
    return decision;
  };
}

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
