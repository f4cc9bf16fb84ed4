import { hasCode, isMoltError } from '@moltbot/shared';
import { expect, test } from 'vitest';
import { compileCalendar, compilePlan, type PlanSpec } from '../src/index.ts';

const begin = Date.UTC(2026, 0, 1);
const spec = (when: string, more: Partial<PlanSpec> = {}): PlanSpec => ({
  ...{ when, timezone: 'UTC', dst: 'run-once', calendars: { include: [], exclude: [] }, ...more },
});

function nextOf(when: string, count = 3, more: Partial<PlanSpec> = {}, calendars = new Map()): string[] {
  const plan = compilePlan('job', spec(when, more), calendars);
  const found: string[] = [];
  for (let next = plan.next(begin); next && found.length < count; next = plan.next(next.at))
    found.push(
      `${new Date(next.at).toISOString().slice(0, 16)}${next.skip ? ` ${next.skip.note ?? next.skip.reason}` : ''}`,
    );
  return found;
}

test.each([
  ['*/20 * * * *', ['2026-01-01T00:20', '2026-01-01T00:40', '2026-01-01T01:00']],
  ['5/25 3 * * *', ['2026-01-01T03:05', '2026-01-01T03:30', '2026-01-01T03:55']],
  ['0 0 9 * * MON-WED', ['2026-01-05T09:00', '2026-01-06T09:00', '2026-01-07T09:00']],
  ['0 9 * * FRI#2', ['2026-01-09T09:00', '2026-02-13T09:00', '2026-03-13T09:00']],
  ['0 9 * * FRIL', ['2026-01-30T09:00', '2026-02-27T09:00', '2026-03-27T09:00']],
  ['0 0 L * *', ['2026-01-31T00:00', '2026-02-28T00:00', '2026-03-31T00:00']],
  ['0 0 15W * *', ['2026-01-15T00:00', '2026-02-16T00:00', '2026-03-16T00:00']],
  // Both restricted: or, as crontab(5) has it.
  ['0 0 13 * FRI', ['2026-01-02T00:00', '2026-01-09T00:00', '2026-01-13T00:00']],
  ['@monthly', ['2026-02-01T00:00', '2026-03-01T00:00', '2026-04-01T00:00']],
  ['every 36h', ['2026-01-02T12:00', '2026-01-04T00:00', '2026-01-05T12:00']],
  ['at 2026-12-01T09:00', ['2026-12-01T09:00']],
  ['at 2026-12-01T09:00+02:00', ['2026-12-01T07:00']],
  [
    'DTSTART:20260101T090000 RRULE:FREQ=WEEKLY;BYDAY=MO,WE;COUNT=3',
    ['2026-01-05T09:00', '2026-01-07T09:00', '2026-01-12T09:00'],
  ],
  [
    'DTSTART:20200101T000000\nRRULE:FREQ=DAILY\nEXDATE:20260102T000000',
    ['2026-01-03T00:00', '2026-01-04T00:00', '2026-01-05T00:00'],
  ],
])('%s', (when, expected) => {
  expect(nextOf(when)).toEqual(expected);
});

test('a leap-day schedule waits for its year', () => {
  expect(nextOf('0 0 29 2 *', 3)).toEqual(['2028-02-29T00:00', '2032-02-29T00:00', '2036-02-29T00:00']);
});

test('H spreads by id, and is always there for one of them', () => {
  const minutes = Array.from({ length: 200 }, (_, n) => {
    const next = compilePlan(`job-${n}`, spec('H H(1-4) * * *'), new Map()).next(begin)?.at ?? 0;
    return new Date(next).toISOString().slice(11, 16);
  });
  expect(new Set(minutes).size).toBeGreaterThan(120);
  expect(minutes.every((time) => time >= '01:00' && time < '05:00')).toBe(true);
  expect(nextOf('H/15 * * * *', 5)).toEqual(nextOf('H/15 * * * *', 5));
});

test('calendars rule days out and in, by list and by file, in the zone of the schedule', () => {
  const ics = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'BEGIN:VEVENT',
    'UID:1',
    'DTSTART;VALUE=DATE:20260103',
    'DTEND;VALUE=DATE:20260105',
    'END:VEVENT',
    'BEGIN:VEVENT',
    'UID:2',
    'DTSTART;VALUE=DATE:20250106',
    'RRULE:FREQ=YEARLY',
    'END:VEVENT',
    'END:VCALENDAR',
  ].join('\r\n');
  const calendars = new Map([['off', compileCalendar('off', { days: ['01-02', '2026-01-08', 'wed'], ics })]]);
  expect(nextOf('0 9 * * *', 8, { calendars: { include: [], exclude: ['off'] } }, calendars)).toEqual([
    ...['2026-01-01T09:00', '2026-01-02T09:00 off', '2026-01-03T09:00 off', '2026-01-04T09:00 off', '2026-01-05T09:00'],
    ...['2026-01-06T09:00 off', '2026-01-07T09:00 off', '2026-01-08T09:00 off'],
  ]);
  // 23:30 UTC is the next day in Tokyo.
  const tokyo = { timezone: 'Asia/Tokyo', calendars: { include: ['off'], exclude: [] } };
  expect(nextOf('30 8 * * *', 2, tokyo, calendars)).toEqual(['2026-01-01T23:30', '2026-01-02T23:30']);
});

test('start, end and jitter', () => {
  const more = { start: '2026-01-02T12:00:00Z', end: '2026-01-04T00:00:00Z', jitter: '10m' };
  expect(nextOf('@daily', 5, more)).toEqual(['2026-01-03T00:00']);
  const plan = compilePlan('job', spec('@hourly', { jitter: '10m' }), new Map());
  const delays = Array.from({ length: 50 }, (_, n) => {
    const next = plan.next(begin + n * 3_600_000);
    return (next?.due ?? 0) - (next?.at ?? 0);
  });
  expect(Math.min(...delays)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...delays)).toBeLessThan(600_000);
  expect(new Set(delays).size).toBeGreaterThan(40);
});

test.each([
  ['* * * *', 'a cron pattern has 5 or 6 fields'],
  ['61 * * * *', 'column 1: "61" is out of range for the minute: 0 to 59'],
  ['0 25 * * *', 'column 3: "25" is out of range for the hour: 0 to 23'],
  ['0 0 * JAM *', 'column 7: "JAM" is no month; did you mean "JAN"?'],
  ['0 22-2 * * *', 'column 3: "22-2" begins after its end; write 22-23,0-2'],
  ['0 0 1,,2 * *', 'there is nothing between two commas'],
  ['*/0 * * * *', 'has the step "0"'],
  ['H(5-1) * * * *', 'begins after its end'],
  ['0 0 31 2 *', 'never comes'],
  ['@dayly', 'did you mean "@daily"?'],
  ['every 10ms', 'is too often'],
  ['every day', 'is no time such as 90s'],
  ['evry 5m', 'did you mean "every"?'],
  ['at 2026-02-30T09:00', 'is no time such as'],
  ['RRULE:FREQ=DAILY', 'needs its DTSTART'],
  ['DTSTART:20260101T090000 RRULE:FREQ=SECONDLY', 'write every 90s'],
  ['DTSTART;TZID=Asia/Tokyo:20260101T090000 RRULE:FREQ=DAILY', 'the timezone of the schedule is UTC'],
])('%s is refused, and why', (when, said) => {
  try {
    compilePlan('job', spec(when), new Map());
    expect.fail('it was taken');
  } catch (error) {
    if (!isMoltError(error)) throw error;
    expect(hasCode(error, 'MOLT_BAD_SCHEDULE')).toBe(true);
    expect(error.message).toContain(said);
    expect(error.places[0]?.path).toBe('/when');
  }
});
