import { durationPattern, parseDuration } from '@moltbot/shared';
import { badWhen, meant } from './bad-schedule.ts';
import type { Civil, CivilPattern } from './civil.ts';
import { cronPattern } from './cron.ts';
import { rrulePattern } from './rrule.ts';

/** What `when` says: local times of a zone, every so much time, or one instant. */
export type Pattern =
  | { readonly kind: 'civil'; readonly times: CivilPattern }
  | { readonly kind: 'every'; readonly everyMs: number }
  | { readonly kind: 'instant'; readonly at: number };

const openings = ['every 90s', 'at 2026-12-01T09:00', '@hourly', 'RRULE:'];

/** @param id what `H` in a cron pattern follows from @throws MOLT_BAD_SCHEDULE */
export function readPattern(id: string, when: string, timezone: string): Pattern {
  const text = when.trim();
  const [word = '', rest = ''] = splitFirst(text);
  if (/^every$/i.test(word)) return { kind: 'every', everyMs: intervalOf(rest) };
  if (/^at$/i.test(word)) return momentOf(rest);
  if (/^(?:DTSTART|RRULE|EXDATE)/i.test(text)) return { kind: 'civil', times: rrulePattern(text, timezone) };
  if (/^[a-z]{3,}$/i.test(word))
    throw badWhen(
      `column 1: "${word}" begins no schedule${meant(word, ['every', 'at'])}; write a cron pattern, or ${openings.join(', ')}…`,
    );
  return { kind: 'civil', times: cronPattern(id, text) };
}

function splitFirst(text: string): readonly string[] {
  const end = text.search(/\s/);
  return end === -1 ? [text] : [text.slice(0, end), text.slice(end).trim()];
}

function intervalOf(text: string): number {
  const written = text.replaceAll(/\s+/g, '');
  if (!durationPattern.test(written)) throw badWhen(`"${text}" is no time such as 90s, 5m or 1h30m`);
  const everyMs = parseDuration(written);
  if (everyMs < 1_000) throw badWhen(`every ${text} is too often: 1s is the least`);
  return everyMs;
}

/** With an offset it is that very instant; without one, what clocks of the zone show. */
function momentOf(text: string): Pattern {
  const [, date, time, seconds = ':00', zone] =
    /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?(Z|[+-]\d\d:\d\d)?$/i.exec(text) ?? [];
  const moment = date === undefined ? Number.NaN : Date.parse(`${date}T${time}${seconds}${zone ?? 'Z'}`);
  if (Number.isNaN(moment) || isRolledOver(date, zone, moment))
    throw badWhen(`"${text}" is no time such as 2026-12-01T09:00 or 2026-12-01T09:00:00Z`);
  return zone === undefined ? { kind: 'civil', times: once(moment) } : { kind: 'instant', at: moment };
}

/** Date.parse takes February 30 for March 2. */
const isRolledOver = (date: string | undefined, zone: string | undefined, moment: number): boolean =>
  zone === undefined && new Date(moment).toISOString().slice(0, 10) !== date;

const once = (moment: Civil): CivilPattern => ({
  next: (after) => (after < moment ? moment : undefined),
  followsElapsedTime: false,
  comes: true,
});
