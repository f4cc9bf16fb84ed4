import { badWhen } from './bad-schedule.ts';
import { type Civil, type CivilPattern, dayMs } from './civil.ts';
import { type Rule, readRule } from './ical.ts';
import { type Recurrence, recurrence } from './recurrence.ts';

/** Finer frequencies are what `every` is for. */
const frequencies: readonly string[] = ['YEARLY', 'MONTHLY', 'WEEKLY', 'DAILY', 'HOURLY'];
const line = /^(?:DTSTART(?:;TZID=([^:;]+))?:(\d{8}T\d{6})(Z)?|RRULE:(.+)|EXDATE(?:;TZID=[^:;]+)?:(.+))$/i;
/** One a minute: what is finer is what cron with seconds and `every` are for. */
const mostPerDay = 1_440;
const mostCount = 100_000;
/** A COUNT is counted when the rule is read. */
const mostCountedMs = 200 * 366 * dayMs;

interface Parts {
  readonly start: Civil;
  readonly rule: string;
  readonly excluded: ReadonlySet<Civil>;
}

/**
 * A recurrence rule (RFC 5545 §3.8.5.3) with its DTSTART, and EXDATEs where there are any, in lines or with spaces between. Times are
 * local times of the schedule's zone. @throws MOLT_BAD_SCHEDULE
 */
export function rrulePattern(text: string, timezone: string): CivilPattern {
  const { start, rule: ruleText, excluded } = partsOf(text, timezone);
  assertFrequency(ruleText);
  const rule = readRule(ruleText);
  assertFits(rule);
  const times = recurrence(rule, start);
  const last = Math.min(rule.until ?? Number.POSITIVE_INFINITY, lastOfCount(times, rule, start));
  const next = (after: Civil): Civil | undefined => {
    for (const time of times.after(after)) {
      if (time > last) return undefined;
      if (!excluded.has(time)) return time;
    }
    return undefined;
  };
  return {
    next,
    followsElapsedTime: rule.frequency === 'HOURLY' && rule.numbers.BYHOUR === undefined,
    comes: next(Number.NEGATIVE_INFINITY) !== undefined,
  };
}

function lastOfCount(times: Recurrence, { count }: Rule, start: Civil): Civil {
  if (count === undefined) return Number.POSITIVE_INFINITY;
  let found = 0;
  for (const time of times.after(Number.NEGATIVE_INFINITY)) {
    found++;
    if (found === count) return time;
    if (time > start + mostCountedMs)
      throw badWhen(`COUNT=${count} lasts for over 200 years; write UNTIL, or leave it out`);
  }
  return Number.POSITIVE_INFINITY;
}

/** Bounds what a rule costs, and refuses parts that RFC 5545 gives no meaning with this frequency. */
function assertFits({ frequency, interval, count, numbers, days }: Rule): void {
  const hours = frequency === 'HOURLY' ? Math.ceil(24 / interval) : 1;
  const lengths = [numbers.BYHOUR?.length ?? hours, numbers.BYMINUTE?.length ?? 1, numbers.BYSECOND?.length ?? 1];
  const perDay = lengths.reduce((product, length) => product * length);
  if (perDay > mostPerDay)
    throw badWhen(
      `the RRULE runs ${perDay} times a day, and ${mostPerDay} is the most; write a cron pattern, or several schedules`,
    );
  if (count !== undefined && !(count >= 1 && count <= mostCount))
    throw badWhen(`COUNT=${count} is not from 1 to ${mostCount}; write UNTIL, or leave it out`);
  const needsYearly = numbers.BYWEEKNO ? 'BYWEEKNO' : numbers.BYYEARDAY && 'BYYEARDAY';
  if (needsYearly !== undefined && frequency !== 'YEARLY') throw badWhen(`${needsYearly} needs FREQ=YEARLY`);
  if (numbers.BYMONTHDAY && frequency === 'WEEKLY') throw badWhen('BYMONTHDAY does not go with FREQ=WEEKLY');
  const isNthKnown = frequency === 'MONTHLY' || (frequency === 'YEARLY' && !numbers.BYWEEKNO);
  if (days?.some(({ nth }) => nth !== 0) && !isNthKnown)
    throw badWhen('BYDAY with a number, such as 2MO, needs FREQ=MONTHLY, or FREQ=YEARLY without BYWEEKNO');
}

function partsOf(text: string, timezone: string): Parts {
  let start: Civil | undefined;
  let rule: string | undefined;
  const excluded = new Set<Civil>();
  for (const [part] of text.matchAll(/\S+/g)) {
    const [all, zone, date, utc, recurrence, exdates] = line.exec(part) ?? [];
    if (all === undefined) throw badWhen(`"${part}" is neither DTSTART:20260101T090000, RRULE:… nor EXDATE:…`);
    if (zone !== undefined && zone !== timezone)
      throw badWhen(`DTSTART is in ${zone}, and the timezone of the schedule is ${timezone}`);
    if (utc && timezone !== 'UTC') throw badWhen(`DTSTART is in UTC, and the timezone of the schedule is ${timezone}`);
    start = date === undefined ? start : civilOfText(date);
    rule = recurrence ?? rule;
    for (const excludedDate of exdates?.split(',') ?? []) excluded.add(civilOfText(excludedDate));
  }
  if (start === undefined) throw badWhen('a recurrence rule needs its DTSTART, such as DTSTART:20260101T090000');
  if (rule === undefined) throw badWhen('there is a DTSTART and no RRULE');
  return { start, rule, excluded };
}

function assertFrequency(rule: string): void {
  const frequency = /(?:^|;)FREQ=(\w+)/i.exec(rule)?.[1]?.toUpperCase();
  if (frequency === undefined) throw badWhen('the RRULE has no FREQ');
  if (!frequencies.includes(frequency))
    throw badWhen(`FREQ=${frequency} is not one of ${frequencies.join(', ')}; write every 90s, or a cron pattern`);
}

function civilOfText(text: string): Civil {
  const civil = Date.parse(`${text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z?$/, '$1-$2-$3T$4:$5:$6')}Z`);
  if (Number.isNaN(civil)) throw badWhen(`"${text}" is no time such as 20260101T090000`);
  return civil;
}
