import type { QuietHours } from '@moltbot/shared';
import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { expect, test } from 'vitest';
import { createQuietHours } from '../src/quiet-hours.ts';

type Weekday = QuietHours['days'][number];
const week: readonly Weekday[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const rule = (more: Partial<QuietHours> = {}): QuietHours => ({
  ...{ tenant: 'default', days: week, from: '22:00', to: '07:00', timezone: 'Europe/Berlin', below: 'critical' },
  ...more,
});
const warning = { tenant: 'default', severity: 'warning', channel: 'a' } as const;
const untilOf = (
  rules: readonly QuietHours[],
  iso: string,
  of: Parameters<ReturnType<typeof createQuietHours>>[0] = warning,
) => {
  const until = createQuietHours(rules)(of, Date.parse(iso));
  return until === undefined ? undefined : new Date(until).toISOString();
};

test.each([
  ['2026-11-27T20:59:59Z', undefined],
  ['2026-11-27T21:00:00Z', '2026-11-28T06:00:00.000Z'],
  ['2026-11-28T05:59:59.999Z', '2026-11-28T06:00:00.000Z'],
  ['2026-11-28T06:00:00Z', undefined],
])('every night: at %s it is quiet until %s', (at, until) => {
  expect(untilOf([rule()], at)).toBe(until);
});

test('a night belongs to the day on which it begins', () => {
  const friday = [rule({ days: ['fri'] })];
  expect(untilOf(friday, '2026-11-28T05:00:00Z')).toBe('2026-11-28T06:00:00.000Z');
  expect(untilOf(friday, '2026-11-28T22:00:00Z')).toBeUndefined();
  expect(untilOf(friday, '2026-11-27T03:00:00Z')).toBeUndefined();
});

test('what follows on each other is one time: a weekend', () => {
  const weekend = [rule(), rule({ days: ['sat', 'sun'], from: '00:00', to: '00:00' })];
  expect(untilOf(weekend, '2026-11-27T21:30:00Z')).toBe('2026-11-30T06:00:00.000Z');
});

test('quiet for ever is looked at again', () => {
  const always = rule({ from: '00:00', to: '00:00' });
  expect(Date.parse(untilOf([always], '2026-11-27T21:30:00Z') ?? '')).toBeGreaterThan(
    Date.parse('2026-11-28T21:30:00Z'),
  );
});

test.each([
  [{ ...warning, severity: 'critical' as const }],
  [{ ...warning, tenant: 'acme' }],
  [{ ...warning, channel: 'b' }],
])('not for %j', (of) => {
  expect(untilOf([rule({ channels: ['a'] })], '2026-11-27T23:00:00Z', of)).toBeUndefined();
  expect(untilOf([rule({ channels: ['a'] })], '2026-11-27T23:00:00Z')).toBeDefined();
});

/** Minute by minute, by another implementation of time zones. */
function expectedUntil(rules: readonly QuietHours[], now: number): number | undefined {
  const isQuiet = (at: number): boolean =>
    rules.some(({ days, from, to, timezone }) => {
      const wall = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timezone);
      const time = wall.toPlainTime().toString({ smallestUnit: 'minute' });
      const isOn = (day: number): boolean => days.includes(week[(day + 6) % 7] ?? 'mon');
      if (from < to) return time >= from && time < to && isOn(wall.dayOfWeek);
      return (time >= from && isOn(wall.dayOfWeek)) || (time < to && isOn(wall.dayOfWeek - 1));
    });
  if (!isQuiet(now)) return undefined;
  let at = Math.ceil(now / 60_000) * 60_000;
  while (isQuiet(at)) at += 60_000;
  return at;
}

const two = (n: number): string => `${n}`.padStart(2, '0');
const timeOfDay = fc.tuple(fc.nat(23), fc.constantFrom(0, 15, 30, 45)).map(([h, m]) => `${two(h)}:${two(m)}`);
/** Around changes of the clock: by an hour, by half an hour, at midnight, and never. */
const moments = {
  'Europe/Berlin': ['2026-03-29T01:00:00Z', '2026-10-25T01:00:00Z'],
  'America/New_York': ['2026-03-08T07:00:00Z', '2026-11-01T06:00:00Z'],
  'Australia/Lord_Howe': ['2026-04-04T15:00:00Z', '2026-10-03T15:30:00Z'],
  'America/Santiago': ['2026-04-05T03:00:00Z', '2026-09-06T04:00:00Z'],
  'Asia/Kolkata': ['2026-06-01T00:00:00Z'],
} as const;
const moment = fc
  .constantFrom(...Object.entries(moments).flatMap(([zone, times]) => times.map((time) => [zone, time] as const)))
  .chain(([timezone, time]) =>
    fc.integer({ min: -30 * 3_600_000, max: 30 * 3_600_000 }).map((ms) => ({ timezone, now: Date.parse(time) + ms })),
  );

/** Local times that come twice. */
const twice: Readonly<Record<string, readonly [string, string]>> = {
  'Europe/Berlin': ['02:00', '03:00'],
  'America/New_York': ['01:00', '02:00'],
  'Australia/Lord_Howe': ['01:30', '02:00'],
  'America/Santiago': ['23:00', '24:00'],
};

test('quiet hours that have begun do not stop for the while that the clock is set back behind their beginning', () => {
  const night = rule({ from: '02:30', to: '07:00' });
  expect(untilOf([night], '2026-10-25T00:45:00Z')).toBe('2026-10-25T06:00:00.000Z');
  expect(untilOf([night], '2026-10-25T01:15:00Z')).toBeUndefined();
  expect(untilOf([night], '2026-10-25T01:30:00Z')).toBe('2026-10-25T06:00:00.000Z');
});

test('in every zone, across every change of the clock: the first moment that is not quiet', () => {
  let held = 0;
  const days = fc.uniqueArray(fc.constantFrom(...week), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(
      moment,
      fc.array(fc.record({ from: timeOfDay, to: timeOfDay, days }), { minLength: 1, maxLength: 2 }),
      ({ timezone, now }, given) => {
        const rules = given.map((each) => rule({ ...each, timezone }));
        const [first, last] = twice[timezone] ?? ['', ''];
        fc.pre(rules.every(({ from }) => from <= first || from >= last));
        const until = createQuietHours(rules)(warning, now);
        expect(until).toBe(expectedUntil(rules, now));
        if (until !== undefined) held += 1;
      },
    ),
    { numRuns: 1_500 },
  );
  expect(held).toBeGreaterThan(300);
});
