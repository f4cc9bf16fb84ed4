import { readFile } from 'node:fs/promises';
import { type CalendarConfig, MoltError } from '@moltbot/shared';
import { type Calendar, compileCalendar } from './when/calendar.ts';

/** The calendars of a configuration by name, with their files read. @throws MOLT_BAD_CONFIG when a file cannot be, MOLT_BAD_SCHEDULE when it makes no sense */
export async function loadCalendars(
  calendars: Readonly<Record<string, CalendarConfig>>,
): Promise<ReadonlyMap<string, Calendar>> {
  const loaded = Object.entries(calendars).map(async ([name, { days, ics }]) => {
    const text = ics === undefined ? undefined : await readText(name, ics);
    return [name, compileCalendar(name, { days, ics: text })] as const;
  });
  return new Map(await Promise.all(loaded));
}

async function readText(name: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new MoltError('MOLT_BAD_CONFIG', `calendars.${name}.ics: ${path} cannot be read`, { cause });
  }
}
