import ICAL from 'ical.js';
import { badWhen } from './bad-schedule.ts';
import { type Civil, dayMs, dayOf } from './civil.ts';

/** A recurrence rule as it is written. */
export interface Rule {
  readonly frequency: string;
  readonly interval: number;
  readonly count?: number | undefined;
  /** Values of the BY parts that say when on a day. */
  readonly times: { readonly [Part in TimePart]?: readonly number[] | undefined };
}
type TimePart = 'BYHOUR' | 'BYMINUTE' | 'BYSECOND';

/** Checks the text, down to the range of each number. @param text the value of an RRULE @throws MOLT_BAD_SCHEDULE */
export function readRule(text: string): Rule {
  const { freq, interval, count, parts } = recurOf(text);
  return { frequency: freq, interval, count: count ?? undefined, times: parts };
}

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
