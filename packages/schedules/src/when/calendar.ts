import { badSchedule } from './bad-schedule.ts';
import { type Civil, dayOf } from './civil.ts';
import { readEventDays } from './ical.ts';

/** A set of local days. */
export interface Calendar {
  readonly name: string;
  /** Whether the day of a local time is one of it. */
  includes(civil: Civil): boolean;
}

/** By both ways together. */
export interface CalendarSource {
  /** `2026-12-25`, each year's `12-25`, each week's `sat`. */
  readonly days: readonly string[];
  /** An iCalendar text (RFC 5545): its events are days. */
  readonly ics?: string | undefined;
}

const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** @throws MOLT_BAD_SCHEDULE when the iCalendar text cannot be read */
export function compileCalendar(name: string, { days, ics }: CalendarSource): Calendar {
  const listed = new Set(days);
  const events = ics === undefined ? undefined : eventsOf(name, ics);
  return {
    name,
    includes(civil) {
      const date = new Date(civil);
      const iso = date.toISOString().slice(0, 10);
      const weekday = weekdays[date.getUTCDay()] ?? '';
      return listed.has(iso) || listed.has(iso.slice(5)) || listed.has(weekday) || (events?.has(dayOf(civil)) ?? false);
    },
  };
}

function eventsOf(name: string, ics: string) {
  try {
    return readEventDays(ics);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw badSchedule(`/calendars/${name}`, `its iCalendar file cannot be read: ${why}`);
  }
}
