import fc from 'fast-check';
import ICAL from 'ical.js';
import { expect, test } from 'vitest';
import { rrulePattern } from '../src/when/rrule.ts';

const dayMs = 86_400_000;
const upTo = (length: number): string => Array.from({ length }, (_, n) => n).join(',');
const stamp = (civil: number): string => new Date(civil).toISOString().replaceAll(/[-:]|\.\d+Z/g, '');
const iso = (civil: number | undefined): string =>
  civil === undefined ? 'none' : new Date(civil).toISOString().slice(0, 16);

function firstOf(when: string, after: string, count = 4): string[] {
  const pattern = rrulePattern(when, 'UTC');
  const found: string[] = [];
  let time: number | undefined = Date.parse(`${after}Z`);
  while (found.length < count) {
    time = pattern.next(time);
    found.push(iso(time));
    if (time === undefined) break;
  }
  return found;
}

interface RandomRule {
  readonly start: number;
  readonly frequency: string;
  readonly interval: number;
  readonly parts: Readonly<Record<string, readonly (string | number)[]>>;
  readonly months?: readonly number[] | undefined;
  /** Days after the start, at its time of the day. */
  readonly until?: number | undefined;
  /** As `until`. */
  readonly excluded: readonly number[];
}

const textOf = ({ frequency, interval, parts }: RandomRule, more: readonly string[] = []): string =>
  [
    `FREQ=${frequency};INTERVAL=${interval}`,
    ...Object.entries(parts).map(([part, values]) => `${part}=${values.join(',')}`),
    ...more,
  ].join(';');

function whenOf(rule: RandomRule): string {
  const more = [
    ...(rule.months ? [`BYMONTH=${rule.months.join(',')}`] : []),
    ...(rule.until === undefined ? [] : [`UNTIL=${stamp(rule.start + rule.until * dayMs)}`]),
  ];
  const exdates = rule.excluded.map((days) => stamp(rule.start + days * dayMs));
  const lines = [`DTSTART:${stamp(rule.start)}`, `RRULE:${textOf(rule, more)}`];
  return [...lines, ...(exdates.length > 0 ? [`EXDATE:${exdates.join(',')}`] : [])].join('\n');
}

/**
 * The plain walk of another library from DTSTART up to a time. It loses INTERVAL over months that BYMONTH leaves out, gives a first
 * time that the rule does not have, days in months too short for them, and looks for ever for days from the month's end: parts of
 * dates are looked at here.
 */
function walk(rule: RandomRule, end: number): readonly number[] {
  const isYearly = rule.frequency === 'YEARLY';
  const isLimited = /HOURLY|DAILY/.test(rule.frequency);
  const walked = isLimited ? { ...rule, parts: without(rule.parts, ['BYMONTHDAY', 'BYDAY']) } : rule;
  const text = textOf(walked, isYearly && rule.months ? [`BYMONTH=${rule.months.join(',')}`] : []);
  const iterator = ICAL.Recur.fromString(text).iterator(
    ICAL.Time.fromDateTimeString(new Date(rule.start).toISOString().slice(0, 19)),
  );
  const excluded = new Set(rule.excluded.map((days) => rule.start + days * dayMs));
  const last = Math.min(end, rule.start + (rule.until ?? Number.POSITIVE_INFINITY) * dayMs);
  const found: number[] = [];
  for (let time = iterator.next(); time; time = iterator.next()) {
    const civil = Date.UTC(time.year, time.month - 1, time.day, time.hour, time.minute, time.second);
    if (civil > last) break;
    const isListed = rule.months?.includes(time.month) ?? true;
    if (isListed && isDayListed(rule, time.day, civil) && !excluded.has(civil)) found.push(civil);
  }
  return found;
}

const without = (parts: RandomRule['parts'], names: readonly string[]): RandomRule['parts'] =>
  Object.fromEntries(Object.entries(parts).filter(([name]) => !names.includes(name)));

function isDayListed({ parts, frequency, start }: RandomRule, day: number, civil: number): boolean {
  const listed = parts['BYMONTHDAY'];
  const weekdays = parts['BYDAY'];
  const name = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'][new Date(civil).getUTCDay()] ?? '';
  if (weekdays?.every((each) => !String(each).endsWith(name))) return false;
  const length = new Date(new Date(civil).setUTCMonth(new Date(civil).getUTCMonth() + 1, 0)).getUTCDate();
  if (listed) return listed.includes(day) || listed.includes(day - length - 1);
  return weekdays !== undefined || !isLong(frequency) || day === new Date(start).getUTCDate();
}

const list = <T>(values: fc.Arbitrary<T>, maxLength: number): fc.Arbitrary<T[]> =>
  fc.uniqueArray(values, { minLength: 1, maxLength });
const ascending = (values: fc.Arbitrary<number>, maxLength: number): fc.Arbitrary<number[]> =>
  list(values, maxLength).map((each) => each.sort((a, b) => a - b));
const maybe = <T>(part: string, values: fc.Arbitrary<T>): fc.Arbitrary<Record<string, T>> =>
  fc.oneof(
    fc.constant({}),
    values.map((value) => ({ [part]: value })),
  );

const weekday = fc.constantFrom('MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU');
const nthWeekday = fc.tuple(fc.constantFrom('', '1', '2', '4', '-1', '-2'), weekday).map((each) => each.join(''));
const monthDay = fc.oneof(fc.integer({ min: 1, max: 31 }), fc.integer({ min: -31, max: -1 }));
const minutes = maybe('BYMINUTE', ascending(fc.integer({ min: 0, max: 59 }), 3));
const times = fc
  .tuple(maybe('BYHOUR', ascending(fc.integer({ min: 0, max: 23 }), 3)), minutes)
  .map(([hours, more]) => ({ ...hours, ...more }));
const oneTime = fc.integer({ min: 0, max: 23 }).map((hour) => ({ BYHOUR: [hour] }));
const months = ascending(fc.integer({ min: 1, max: 12 }), 4);
// Each weekday once: the other library gives up where three of one name a day twice (TU,4TU,-2TU in August 1999).
const nthDays = maybe(
  'BYDAY',
  fc.uniqueArray(nthWeekday, { minLength: 1, maxLength: 3, selector: (each) => each.slice(-2) }),
);
const daysOfMonths = fc.oneof(maybe('BYMONTHDAY', list(monthDay, 4)), nthDays);
const daysOfYears = fc.oneof(maybe('BYMONTHDAY', list(fc.integer({ min: 1, max: 31 }), 4)), nthDays);
const picked = fc
  .tuple(list(weekday, 5), list(fc.constantFrom(1, 2, 3, -1, -2), 2))
  .map(([BYDAY, BYSETPOS]) => ({ BYDAY, BYSETPOS }));
const limits = fc
  .tuple(maybe('BYMONTHDAY', list(monthDay, 8)), maybe('BYDAY', list(weekday, 4)))
  .map(([dates, weekdays]) => ({ ...dates, ...weekdays }));

interface Shape {
  readonly frequency: string;
  readonly parts: fc.Arbitrary<object>;
  readonly needsMonths?: boolean;
}

// Where the other library does not keep to the RFC, a part is left out: the tests below have those.
const shapes: readonly Shape[] = [
  { frequency: 'HOURLY', parts: fc.tuple(limits, minutes).map(([a, b]) => ({ ...a, ...b })) },
  { frequency: 'DAILY', parts: fc.tuple(limits, times).map(([a, b]) => ({ ...a, ...b })) },
  {
    frequency: 'WEEKLY',
    parts: fc.tuple(maybe('BYDAY', list(weekday, 4)), times).map(([a, b]) => ({ ...a, ...b })),
  },
  { frequency: 'MONTHLY', parts: picked },
  { frequency: 'MONTHLY', parts: fc.tuple(daysOfMonths, oneTime).map(([a, b]) => ({ ...a, ...b })) },
  { frequency: 'YEARLY', needsMonths: true, parts: fc.tuple(daysOfYears, oneTime).map(([a, b]) => ({ ...a, ...b })) },
];

/** Long ones need years to settle; short ones come too often for that. */
const isLong = (frequency: string): boolean => /MONTHLY|YEARLY/.test(frequency);
const walkedDays = (frequency: string): number => (isLong(frequency) ? 12 * 366 : 500);

const minute = fc.integer({ min: Date.UTC(1999, 0) / 60_000, max: Date.UTC(2003, 0) / 60_000 });
const rules: fc.Arbitrary<RandomRule> = fc.constantFrom(...shapes).chain(({ frequency, parts, needsMonths }) =>
  fc.record({
    start: minute.map((each) => each * 60_000),
    frequency: fc.constant(frequency),
    interval: fc.integer({ min: 1, max: 5 }),
    parts: parts as fc.Arbitrary<RandomRule['parts']>,
    months: needsMonths ? months : fc.option(months, { nil: undefined }),
    until: fc.option(fc.integer({ min: 0, max: walkedDays(frequency) }), { nil: undefined }),
    excluded: fc.uniqueArray(fc.integer({ min: 0, max: 2_000 }), { maxLength: 40 }),
  }),
);

test('any rule gives at any time what a walk from its start gives', () => {
  const at = fc.array(fc.double({ min: -0.1, max: 1, noNaN: true }), { minLength: 4, maxLength: 8 });
  fc.assert(
    fc.property(rules, at, (rule, places) => {
      const lastedMs = walkedDays(rule.frequency) * dayMs;
      const all = walk(rule, rule.start + lastedMs);
      const pattern = rrulePattern(whenOf(rule), 'UTC');
      // The first period of the walk has times that only look like the rule's.
      const settled = rule.start + (isLong(rule.frequency) ? 366 : 7) * rule.interval * dayMs;
      for (const place of places) {
        const after = Math.max(settled, Math.floor(rule.start + place * lastedMs));
        const expected = all.find((time) => time > after);
        const found = pattern.next(after);
        if (expected !== undefined || (found ?? 0) <= rule.start + lastedMs) expect(iso(found)).toBe(iso(expected));
      }
      expect(pattern.next(rule.start - 1) ?? rule.start).toBeGreaterThanOrEqual(rule.start);
    }),
    { numRuns: 120 },
  );
}, 180_000);

test.each([
  ['every minute of a day', `DTSTART:20260101T000000 RRULE:FREQ=DAILY;BYHOUR=${upTo(24)};BYMINUTE=${upTo(60)}`],
  ['every hour since 2000', 'DTSTART:20000101T000000 RRULE:FREQ=HOURLY'],
])('%s is answered at once, however far from its start', (_, when) => {
  const began = performance.now();
  const found = rrulePattern(when, 'UTC').next(Date.UTC(2026, 11, 31, 22, 59, 30));
  expect(performance.now() - began).toBeLessThan(5_000);
  expect(iso(found)).toBe('2026-12-31T23:00');
});

test.each([
  // A phase that goes on through what is left out.
  [
    'FREQ=DAILY;INTERVAL=2;BYMONTH=1,3',
    '2026-01-28T10:00',
    ['2026-01-29T09:00', '2026-01-31T09:00', '2026-03-02T09:00'],
  ],
  ['FREQ=HOURLY;INTERVAL=5;BYHOUR=9', '2026-01-01T09:00', ['2026-01-06T09:00', '2026-01-11T09:00']],
  ['FREQ=MONTHLY;INTERVAL=2;BYMONTH=1,2,3', '2026-01-02T00:00', ['2026-03-01T09:00', '2027-01-01T09:00']],
  ['FREQ=DAILY;BYMONTHDAY=-1', '2026-01-02T00:00', ['2026-01-31T09:00', '2026-02-28T09:00']],
  ['FREQ=DAILY;BYHOUR=12,9;BYSETPOS=-1', '2026-01-01T00:00', ['2026-01-01T12:00', '2026-01-02T12:00']],
  ['FREQ=YEARLY;BYMONTHDAY=1', '2026-01-02T00:00', ['2026-02-01T09:00', '2026-03-01T09:00']],
  // Monday of week 1 may be in the year before.
  [
    'FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO',
    '2026-01-01T00:00',
    ['2027-01-04T09:00', '2028-01-03T09:00', '2029-01-01T09:00', '2029-12-31T09:00'],
  ],
  ['FREQ=YEARLY;BYYEARDAY=-1,60', '2027-01-01T00:00', ['2027-03-01T09:00', '2027-12-31T09:00', '2028-02-29T09:00']],
  ['FREQ=YEARLY;BYDAY=MO;BYMONTH=1,2;BYSETPOS=-2', '2026-01-01T00:00', ['2026-02-16T09:00', '2027-02-15T09:00']],
  ['FREQ=MONTHLY;BYDAY=MO;BYHOUR=9,10;BYSETPOS=2', '2026-01-01T00:00', ['2026-01-05T10:00', '2026-02-02T10:00']],
  ['FREQ=YEARLY;BYHOUR=9,10', '2026-01-01T00:00', ['2026-01-01T09:00', '2026-01-01T10:00', '2027-01-01T09:00']],
  [
    'FREQ=MONTHLY;INTERVAL=5;BYDAY=4SA;BYHOUR=0,1',
    '2026-06-01T00:00',
    ['2026-06-27T00:00', '2026-06-27T01:00', '2026-11-28T00:00'],
  ],
  [
    'FREQ=YEARLY;BYDAY=TU,4TU,-2TU;BYMONTH=8',
    '1999-08-01T00:00',
    ['2026-08-04T09:00', '2026-08-11T09:00', '2026-08-18T09:00', '2026-08-25T09:00', '2027-08-03T09:00'],
  ],
  ['FREQ=YEARLY;BYDAY=20MO', '2026-01-01T00:00', ['2026-05-18T09:00', '2027-05-17T09:00']],
  ['FREQ=WEEKLY;INTERVAL=2;BYDAY=TH,SU;WKST=SU', '2026-01-01T00:00', ['2026-01-01T09:00', '2026-01-11T09:00']],
  ['FREQ=WEEKLY;INTERVAL=2;BYDAY=TH,SU;WKST=MO', '2026-01-01T00:00', ['2026-01-01T09:00', '2026-01-04T09:00']],
  ['FREQ=HOURLY;COUNT=3', '2026-01-01T09:30', ['2026-01-01T10:00', '2026-01-01T11:00', 'none']],
  ['FREQ=DAILY;UNTIL=20260102T090000', '2026-01-01T09:00', ['2026-01-02T09:00', 'none']],
])('%s after %s', (rule, after, expected) => {
  expect(firstOf(`DTSTART:20260101T090000 RRULE:${rule}`, after, expected.length)).toEqual(expected);
});

test('the 31st and February 29 come in months that have them', () => {
  const monthly = 'DTSTART:20240131T090000 RRULE:FREQ=MONTHLY;BYHOUR=9,10';
  expect(firstOf(monthly, '2026-01-31T09:30', 3)).toEqual(['2026-01-31T10:00', '2026-03-31T09:00', '2026-03-31T10:00']);
  expect(firstOf('DTSTART:20240229T090000 RRULE:FREQ=YEARLY', '2026-01-01T00:00', 2)).toEqual([
    ...['2028-02-29T09:00', '2032-02-29T09:00'],
  ]);
});

test('going back in time gives the earlier time again', () => {
  const pattern = rrulePattern('DTSTART:20260101T090000 RRULE:FREQ=DAILY EXDATE:20260102T090000', 'UTC');
  const asked = ['2030-05-01', '2026-01-01T12:00', '2020-01-01'].map((time) => pattern.next(Date.parse(`${time}Z`)));
  expect(asked.map(iso)).toEqual(['2030-05-01T09:00', '2026-01-03T09:00', '2026-01-01T09:00']);
});

test.each([
  'FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30',
  'FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30',
  'FREQ=HOURLY;INTERVAL=2;BYHOUR=8',
])('%s never comes, and is found out', (rule) => {
  expect(rrulePattern(`DTSTART:20260101T090000 RRULE:${rule}`, 'UTC').comes).toBe(false);
});

test.each([
  [`FREQ=DAILY;BYHOUR=${upTo(24)};BYMINUTE=${upTo(60)};BYSECOND=0,30`, 'runs 2880 times a day'],
  [`FREQ=HOURLY;BYMINUTE=${upTo(60)};BYSECOND=0,30`, 'write a cron pattern, or several schedules'],
  ['FREQ=DAILY;COUNT=10001', 'COUNT=10001 is not from 1 to 10000'],
  ['FREQ=DAILY;COUNT=0', 'COUNT=0 is not'],
  ['FREQ=DAILY;COUNT=3;BYMONTH=2;BYMONTHDAY=30', 'COUNT=3 takes too long to count'],
  ['FREQ=HOURLY;BYSETPOS=2', 'BYSETPOS MUST be used with another'],
  ['FREQ=MONTHLY;BYWEEKNO=3', 'BYWEEKNO MUST NOT be used unless FREQ=YEARLY'],
  ['FREQ=WEEKLY;BYMONTHDAY=3', 'BYMONTHDAY MUST NOT be used when FREQ is WEEKLY'],
  ['FREQ=DAILY;BYDAY=2MO', 'MUST NOT be used unless FREQ is MONTHLY'],
  ['FREQ=DAILY;BYDAYS=MO', '"BYDAYS=MO" is no part'],
  ['FREQ=DAILY;UNTIL=tomorrow', 'cannot be read'],
])('%s is refused', (rule, said) => {
  expect(() => rrulePattern(`DTSTART:20260101T090000 RRULE:${rule}`, 'UTC')).toThrow(said);
});
