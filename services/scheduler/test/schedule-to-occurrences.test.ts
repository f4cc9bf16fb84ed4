import { compilePlan } from '@moltbot/schedules';
import { type ScheduleRecord, ScheduleSpec } from '@moltbot/shared';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Circumstances, limits, scheduleToOccurrences } from '../src/schedule-to-occurrences.ts';

const hour = 3_600_000;
const minute = 60_000;
const noon = Date.UTC(2026, 5, 1, 12);

function decide(
  more: Record<string, unknown>,
  at: Partial<ScheduleRecord>,
  circumstances: Partial<Circumstances> = {},
) {
  const spec = ScheduleSpec.parse({ when: 'every 1m', task: { action: 'a.b', on: 'x' }, ...more });
  const record: ScheduleRecord = {
    ...{ tenant: 't', id: 's', spec, revision: 1, source: 'api', createdBy: 'k', createdAt: 0, updatedAt: 0 },
    ...{ cursor: noon, activeSince: 0, failures: 0, ...at },
  };
  const plan = compilePlan('s', spec, new Map());
  return scheduleToOccurrences(record, plan, {
    now: noon,
    onTimeMs: 15_000,
    isBusy: false,
    waiting: 0,
    ...circumstances,
  });
}
const short = (decided: ReturnType<typeof decide>): string[] =>
  decided.occurrences.map(({ state, reason, count }) => [state, reason, count].filter(Boolean).join(' '));

test('nothing is due before its instant, and it fires at it', () => {
  expect(decide({}, {}, { now: noon + minute - 1 })).toEqual({ occurrences: [], hasMore: false });
  const decided = decide({}, {}, { now: noon + minute });
  expect(decided.occurrences).toEqual([{ at: noon + minute, due: noon + minute, kind: 'planned', state: 'firing' }]);
  expect(decided.cursor).toBe(noon + minute);
});

test.each([
  ['run-once', ['skipped misfire', 'skipped misfire', 'firing']],
  ['run-all', ['firing', 'firing', 'firing']],
  ['skip', ['missed misfire', 'missed misfire', 'missed misfire']],
])('misfires under %s', (misfire, expected) => {
  const now = noon + 3 * minute + 30_000;
  expect(short(decide({ misfire, overlap: 'allow' }, {}, { now }))).toEqual(expected);
});

test('what is longer ago than the window is missed, and a long row of it is one record', () => {
  const now = noon + 3 * hour;
  const decided = decide({ misfireWindow: '1h' }, {}, { now });
  expect(short(decided)).toEqual(['missed window 119', 'skipped misfire 59', 'firing', 'skipped overlap']);
  expect(decided.occurrences[0]).toMatchObject({ at: noon + minute, until: noon + 119 * minute });
});

test('instants of a pause are told as such', () => {
  const now = noon + 40 * minute;
  expect(short(decide({}, { activeSince: noon + 39 * minute + 1 }, { now }))).toEqual(['skipped paused 39', 'firing']);
});

test.each([
  ['allow', true, 0, 'firing'],
  ['skip', true, 0, 'skipped overlap'],
  ['skip', false, 3, 'firing'],
  ['queue', true, 0, 'waiting'],
  ['queue', false, 1, 'waiting'],
  ['queue', false, 0, 'firing'],
  ['queue', true, limits.waiting, 'skipped queue-full'],
  ['cancel-previous', true, 0, 'waiting'],
])('overlap %s, busy %s, %d waiting: %s', (overlap, isBusy, waiting, expected) => {
  expect(short(decide({ overlap }, {}, { now: noon + minute, isBusy, waiting }))).toEqual([expected]);
});

test('a delay is waited out, and a deadline is a deadline', () => {
  const delayed = decide({ jitter: '50s' }, {}, { now: noon + minute });
  expect(short(delayed)).toEqual(['waiting']);
  expect(delayed.occurrences[0]?.due).toBeGreaterThan(noon + minute);
  const now = noon + minute + 10_000;
  expect(short(decide({ deadline: '5s' }, {}, { now }))).toEqual(['missed deadline']);
});

test('whatever the clock does, each instant is in exactly one record, in order, up to the cursor', () => {
  const steps = fc.array(fc.integer({ min: -2 * hour, max: 6 * hour }), { minLength: 1, maxLength: 12 });
  const policies = fc.record({
    misfire: fc.constantFrom('skip', 'run-once', 'run-all'),
    overlap: fc.constantFrom('allow', 'skip', 'queue', 'cancel-previous'),
    when: fc.constantFrom('every 7s', 'every 1m', '*/10 * * * *', '15 3 * * *'),
    dst: fc.constantFrom('skip', 'run-once', 'run-both', 'shift'),
  });
  fc.assert(
    fc.property(steps, policies, fc.boolean(), (moves, policy, isBusy) => {
      const timezone = 'Europe/Berlin';
      const spec = ScheduleSpec.parse({ task: { action: 'a.b', on: 'x' }, ...policy, timezone });
      const plan = compilePlan('s', spec, new Map());
      const begin = Date.UTC(2026, 9, 24, 20);
      let [now, cursor] = [begin, begin];
      const covered: number[] = [];
      for (const move of moves) {
        now += move;
        for (let hasMore = true; hasMore; ) {
          const decided = decide({ ...policy, timezone }, { cursor }, { now, isBusy });
          for (const { at, until = at, count = 1 } of decided.occurrences) {
            let covers = 0;
            for (let next = plan.next(at - 1); next && next.at <= until; next = plan.next(next.at)) {
              covered.push(next.at);
              covers += 1;
            }
            expect(covers).toBe(count);
          }
          cursor = decided.cursor ?? cursor;
          hasMore = decided.hasMore;
        }
      }
      const expected: number[] = [];
      for (let next = plan.next(begin); next && next.at <= cursor; next = plan.next(next.at)) expected.push(next.at);
      expect(covered).toEqual(expected);
    }),
    { numRuns: 60 },
  );
});
