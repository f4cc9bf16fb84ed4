import ICAL from 'ical.js';
import { badWhen } from './bad-schedule.ts';
import { type Civil, dayMs, dayOf } from './civil.ts';

export type Frequency = 'YEARLY' | 'MONTHLY' | 'WEEKLY' | 'DAILY' | 'HOURLY' | 'MINUTELY' | 'SECONDLY';
type NumberPart = Exclude<keyof ICAL.Recur['parts'], 'BYDAY'>;

/** `MO`, or `-1MO`, the last one of the month or year: nth is 0 where it is not said. */
export interface RuleDay {
  /** 0 is Sunday. */
  readonly weekday: number;
  readonly nth: number;
}

/** A recurrence rule as it is written. */
export interface Rule {
  readonly frequency: Frequency;
  readonly interval: number;
  readonly count?: number | undefined;
  /** The last time that may be. */
  readonly until?: Civil | undefined;
  /** Weekday on which weeks begin; 0 is Sunday. */
  readonly weekStart: number;
  /** Values of a BY part, ascending and each once. */
  readonly numbers: { readonly [Part in NumberPart]?: readonly number[] | undefined };
  readonly days?: readonly RuleDay[] | undefined;
}

/** @param text the value of an RRULE @throws MOLT_BAD_SCHEDULE */
export function readRule(text: string): Rule {
  const { freq, interval, count, until, wkst, parts } = recurOf(text);
  const { BYDAY: days, ...numbers } = parts;
  const last = until ? civilOf(until) : undefined;
  if (Number.isNaN(last)) throw badWhen('UNTIL is no time such as 20261231T090000');
  for (const values of Object.values(numbers)) values?.sort((a, b) => a - b);
  return {
    ...{ frequency: freq as Frequency, interval, count: count ?? undefined, weekStart: wkst - 1, numbers },
    until: last,
    days: days?.map((day) => ({ weekday: weekdays.indexOf(day.slice(-2)), nth: Number(day.slice(0, -2)) })),
  };
}

const weekdays: readonly string[] = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'];

const known = /^(?:FREQ|INTERVAL|COUNT|UNTIL|WKST|BY(?:SECOND|MINUTE|HOUR|DAY|MONTHDAY|YEARDAY|WEEKNO|MONTH|SETPOS))=/i;

function recurOf(text: string): ICAL.Recur {
  const strange = text.split(';').find((part) => part !== '' && !known.test(part));
  if (strange !== undefined) throw badWhen(`"${strange}" is no part of a recurrence rule, such as BYDAY=MO`);
  try {
    return ICAL.Recur.fromString(text.toUpperCase());
  } catch (cause) {
    throw badWhen(`the recurrence rule cannot be read: ${reasonOf(cause)}`);
  }
}

/** The days on which an event of an iCalendar text lies, as local days. */
export interface EventDays {
  has(day: Civil): boolean;
}

/** Events come in civil time: one of another zone than the schedule's counts on the day it has there. @throws what is wrong with the text */
export function readEventDays(text: string): EventDays {
  const calendar = new ICAL.Component(ICAL.parse(text) as unknown[]);
  const events = calendar.getAllSubcomponents('vevent').map((component) => new ICAL.Event(component));
  const single = new Set(events.filter((event) => !event.isRecurring()).flatMap((event) => daysOf(event)));
  const recurring = events.filter((event) => event.isRecurring()).map(recurringDays);
  return { has: (day) => single.has(day) || recurring.some((days) => days.has(day)) };
}

function daysOf(event: ICAL.Event, start: ICAL.Time = event.startDate): readonly Civil[] {
  const first = dayOf(civilOf(start));
  // An end at midnight, or that of a whole day, is the first moment after the event.
  const lasts = Math.max(1, civilOf(event.endDate) - civilOf(event.startDate));
  const last = dayOf(civilOf(start) + lasts - 1);
  return Array.from({ length: (last - first) / dayMs + 1 }, (_, index) => first + index * dayMs);
}

/** Days of an event that repeats, found as far as somebody asked. */
function recurringDays(event: ICAL.Event): EventDays {
  const days = new Set<Civil>();
  const iterator = event.iterator();
  let knownUntil: Civil = Number.NEGATIVE_INFINITY;
  return {
    has(day) {
      while (knownUntil <= day) {
        const start = iterator.next();
        if (!start) knownUntil = Number.POSITIVE_INFINITY;
        else {
          for (const each of daysOf(event, start)) days.add(each);
          knownUntil = dayOf(civilOf(start));
        }
      }
      return days.has(day);
    },
  };
}

const civilOf = (time: ICAL.Time): Civil =>
  Date.UTC(time.year, time.month - 1, time.day, time.hour, time.minute, time.second);

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
