import { RRuleTemporal } from 'rrule-temporal';
import { badWhen } from './bad-schedule.ts';
import type { Civil, CivilPattern } from './civil.ts';
import { type Rule, readRule } from './ical.ts';

/** Finer frequencies are what `every` is for. */
const frequencies: readonly string[] = ['YEARLY', 'MONTHLY', 'WEEKLY', 'DAILY', 'HOURLY'];
const line = /^(?:DTSTART(?:;TZID=([^:;]+))?:(\d{8}T\d{6})(Z)?|RRULE:(.+)|EXDATE(?:;TZID=[^:;]+)?:(.+))$/i;
/** One a minute: what is finer is what cron with seconds and `every` are for. */
const mostPerDay = 1_440;
/** A COUNT is counted when the rule is read. */
const mostCount = 10_000;
/** Periods of the frequency that are looked at before a rule counts as one that never comes. */
const maxIterations = 11_000;

interface Parts {
  /** As it is written, without `Z`. */
  readonly start: string;
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
  const times = timesOf(start, ruleText, rule);
  const next = (after: Civil): Civil | undefined => {
    for (let time = times(after); time !== undefined; time = times(time)) if (!excluded.has(time)) return time;
    return undefined;
  };
  return {
    next,
    followsElapsedTime: rule.frequency === 'HOURLY' && rule.times.BYHOUR === undefined,
    comes: next(Number.NEGATIVE_INFINITY) !== undefined,
  };
}

type Times = (after: Civil) => Civil | undefined;

/** Local times go through the library as if they were UTC: the zone is the schedule's matter. */
function timesOf(start: string, text: string, { count }: Rule): Times {
  const counted = expansionOf(start, text);
  const last = count === undefined ? undefined : lastOf(counted, count);
  // Up to a time, a rule is looked up; up to a count, it would be walked from its start each time.
  const rule = last === undefined ? counted : expansionOf(start, text.replace(/COUNT=\d+/i, `UNTIL=${last}`));
  const first = counted.options().dtstart.epochMilliseconds;
  return (after) => {
    try {
      return rule.next(new Date(Math.max(after, first - 1)))?.epochMilliseconds;
    } catch {
      // Nothing for so long that there is nothing.
      return undefined;
    }
  };
}

function expansionOf(start: string, text: string): RRuleTemporal {
  const untils = text.toUpperCase().replace(/(UNTIL=\d{8}T\d{6})(?!Z)/, '$1Z');
  try {
    return new RRuleTemporal({
      rruleString: `DTSTART;TZID=UTC:${start}\nRRULE:${untils}`,
      strict: true,
      maxIterations,
    });
  } catch (cause) {
    throw badWhen(`the recurrence rule is none: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

/** The time of the last of so many, as UNTIL has it. */
function lastOf(rule: RRuleTemporal, count: number): string {
  try {
    const last = rule.all().at(-1)?.toPlainDateTime();
    if (last) return `${last.toString({ smallestUnit: 'second' }).replaceAll(/[-:]/g, '')}Z`;
  } catch {
    // Said below.
  }
  throw badWhen(`COUNT=${count} takes too long to count; write UNTIL, or leave it out`);
}

/** Bounds what a rule costs. */
function assertFits({ frequency, interval, count, times }: Rule): void {
  const hours = frequency === 'HOURLY' ? Math.ceil(24 / interval) : 1;
  const lengths = [times.BYHOUR?.length ?? hours, times.BYMINUTE?.length ?? 1, times.BYSECOND?.length ?? 1];
  const perDay = lengths.reduce((product, length) => product * length);
  if (perDay > mostPerDay)
    throw badWhen(
      `the RRULE runs ${perDay} times a day, and ${mostPerDay} is the most; write a cron pattern, or several schedules`,
    );
  if (count !== undefined && !(count >= 1 && count <= mostCount))
    throw badWhen(`COUNT=${count} is not from 1 to ${mostCount}; write UNTIL, or leave it out`);
}

function partsOf(text: string, timezone: string): Parts {
  let start: string | undefined;
  let rule: string | undefined;
  const excluded = new Set<Civil>();
  for (const [part] of text.matchAll(/\S+/g)) {
    const [all, zone, date, utc, recurrence, exdates] = line.exec(part) ?? [];
    if (all === undefined) throw badWhen(`"${part}" is neither DTSTART:20260101T090000, RRULE:… nor EXDATE:…`);
    if (zone !== undefined && zone !== timezone)
      throw badWhen(`DTSTART is in ${zone}, and the timezone of the schedule is ${timezone}`);
    if (utc && timezone !== 'UTC') throw badWhen(`DTSTART is in UTC, and the timezone of the schedule is ${timezone}`);
    if (date !== undefined) civilOfText(date);
    start = date ?? start;
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
