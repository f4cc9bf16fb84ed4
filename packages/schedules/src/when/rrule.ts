import { badWhen } from './bad-schedule.ts';
import type { Civil, CivilPattern } from './civil.ts';
import { type RuleTimes, readRule } from './ical.ts';

/** Finer frequencies are what `every` is for, and would take for ever to reach today. */
const frequencies: readonly string[] = ['YEARLY', 'MONTHLY', 'WEEKLY', 'DAILY', 'HOURLY'];
const line = /^(?:DTSTART(?:;TZID=([^:;]+))?:(\d{8}T\d{6})(Z)?|RRULE:(.+)|EXDATE(?:;TZID=[^:;]+)?:(.+))$/i;

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
  let times: RuleTimes = rule.times(start);
  let last: Civil = Number.NEGATIVE_INFINITY;
  let coming: Civil | undefined;
  const step = (): void => {
    last = coming ?? last;
    do coming = times.next();
    while (coming !== undefined && excluded.has(coming));
  };
  step();
  return {
    next(after) {
      // Rules are walked from their start; going back means beginning anew.
      if (after < last) {
        times = rule.times(start);
        [last, coming] = [Number.NEGATIVE_INFINITY, undefined];
        step();
      }
      while (coming !== undefined && coming <= after) step();
      return coming;
    },
    followsElapsedTime: rule.isHourly,
    comes: coming !== undefined,
  };
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
