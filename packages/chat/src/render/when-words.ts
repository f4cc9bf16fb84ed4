import { durationPattern, parseDuration } from '@moltbot/shared';
import type { Texts } from '../texts/english.ts';

const nicknames: Readonly<Record<string, string>> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
};

/** When a schedule runs, in words where they are short; as it is written where they are not. */
export function whenWords(when: string, t: Texts): string {
  const text = when.trim();
  const [word = '', second = ''] = text.split(/\s+/);
  if (word.toLowerCase() === 'every' && durationPattern.test(second))
    return t.schedules.every(t.duration(parseDuration(second)));
  if (word.toLowerCase() === 'at') return t.schedules.once(second.replace('T', ' '));
  return cronWords(nicknames[text.toLowerCase()] ?? text, t) ?? text;
}

const dayNames = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

function cronWords(pattern: string, t: Texts): string | undefined {
  const fields = pattern.toUpperCase().split(/\s+/);
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = fields;
  if (fields.length !== 5) return undefined;
  if (pattern === nicknames['@yearly']) return t.schedules.yearly;
  if (month !== '*') return undefined;
  const isDaily = day === '*' && weekday === '*';
  if (hour === '*') return isDaily ? withinHour(minute, t) : undefined;
  if (!isNumber(minute) || !isNumber(hour)) return undefined;
  const time = `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}`;
  if (isDaily) return t.schedules.daily(time);
  if (weekday === '*') return isNumber(day) ? t.schedules.monthly(Number(day), time) : undefined;
  if (day !== '*') return undefined;
  if (weekday === 'MON-FRI' || weekday === '1-5') return t.schedules.workdays(time);
  const name = t.schedules.days[isNumber(weekday) ? Number(weekday) % 7 : dayNames.indexOf(weekday)];
  return name === undefined ? undefined : t.schedules.weekly(name, time);
}

function withinHour(minute: string, t: Texts): string | undefined {
  if (isNumber(minute)) return t.schedules.hourly(minute.padStart(2, '0'));
  const step = minute === '*' ? 1 : Number(/^(?:\*|0)\/(\d+)$/.exec(minute)?.[1] ?? 0);
  // What does not divide the hour is uneven at its end.
  return step > 0 && 60 % step === 0 ? t.schedules.every(t.duration(step * 60_000)) : undefined;
}

const isNumber = (text: string): boolean => /^\d{1,2}$/.test(text);
