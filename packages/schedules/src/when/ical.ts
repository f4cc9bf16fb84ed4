import ICAL from 'ical.js';
import { badWhen } from './bad-schedule.ts';
import { type Civil, dayMs, dayOf } from './civil.ts';

/** Times of a recurrence rule, one after another from its start; undefined after the last. */
export interface RuleTimes {
  next(): Civil | undefined;
}

export interface Rule {
  /** Begins anew. */
  times(start: Civil): RuleTimes;
  /** Every hour or every few, whatever the hour. */
  readonly isHourly: boolean;
}

/** @param text the value of an RRULE @throws MOLT_BAD_SCHEDULE */
export function readRule(text: string): Rule {
  const recur = recurOf(text);
  return {
    times(start) {
      const iterator = recur.iterator(timeOf(start));
      return {
        next() {
          const time = iterator.next();
          return time ? civilOf(time) : undefined;
        },
      };
    },
    isHourly: recur.freq === 'HOURLY' && recur.parts.BYHOUR === undefined,
  };
}

function recurOf(text: string): ICAL.Recur {
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

const timeOf = (civil: Civil): ICAL.Time => {
  const date = new Date(civil);
  return ICAL.Time.fromDateTimeString(date.toISOString().slice(0, 19));
};

const civilOf = (time: ICAL.Time): Civil =>
  Date.UTC(time.year, time.month - 1, time.day, time.hour, time.minute, time.second);

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
