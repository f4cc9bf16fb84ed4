import { createHash } from 'node:crypto';
import { occurrenceIdOf, parseDuration, type ScheduleSpec } from '@moltbot/shared';
import { badSchedule, badWhen } from './bad-schedule.ts';
import type { Calendar } from './calendar.ts';
import { type Instant, nextInstant } from './civil-to-instants.ts';
import { type Pattern, readPattern } from './pattern.ts';
import { civilAt, type Zone, zoneOf } from './zone.ts';

/** One instant of a plan, epoch ms. */
export interface Planned {
  readonly at: number;
  /** When it fires: `at` and its jitter. */
  readonly due: number;
  /** It is part of the plan, and the plan says not to run it. */
  readonly skip?: { readonly reason: 'dst-gap' | 'dst-fold' | 'calendar'; readonly note?: string } | undefined;
}

/** When a schedule is due. The same for everyone who compiles the same words. */
export interface Plan {
  /** The first instant strictly after one; undefined when there is none. */
  next(after: number): Planned | undefined;
}

export type PlanSpec = Pick<ScheduleSpec, 'when' | 'timezone' | 'dst' | 'start' | 'end' | 'calendars' | 'jitter'>;

interface Bounds {
  readonly start: number;
  readonly end: number;
}

/** @param calendars by name @throws MOLT_BAD_SCHEDULE saying what is wrong and where */
export function compilePlan(id: string, spec: PlanSpec, calendars: ReadonlyMap<string, Calendar>): Plan {
  const zone = zoneOf(spec.timezone);
  const pattern = readPattern(id, spec.when, spec.timezone);
  const bounds = boundsOf(spec);
  const days = daysOf(spec, calendars);
  const jitterMs = spec.jitter === undefined ? 0 : parseDuration(spec.jitter);
  const instantAfter = instantsOf(pattern, { zone, spec, bounds });
  const plan: Plan = {
    next(after) {
      const instant = instantAfter(Math.max(after, bounds.start - 1));
      if (!instant || instant.at >= bounds.end) return undefined;
      const due = instant.at + jitterOf(id, instant.at, jitterMs);
      const skip = skipOf(instant, zone, days);
      return skip ? { at: instant.at, due, skip } : { at: instant.at, due };
    },
  };
  const isBound = spec.start !== undefined || spec.end !== undefined;
  const comes = isBound ? plan.next(0) !== undefined : pattern.kind !== 'civil' || pattern.times.comes;
  if (!comes) throw badWhen(`"${spec.when}" never comes`);
  return plan;
}

/** All that decides which instants a schedule has: under the same text it is the same plan. */
export const planKey = ({ when, timezone, dst, start, end, calendars }: PlanSpec): string =>
  JSON.stringify([when, timezone, dst, start ?? '', end ?? '', calendars.include, calendars.exclude]);

function boundsOf({ start, end }: PlanSpec): Bounds {
  const bounds = {
    start: start === undefined ? Date.UTC(1970, 0, 1) : Date.parse(start),
    end: end === undefined ? Number.POSITIVE_INFINITY : Date.parse(end),
  };
  if (bounds.end <= bounds.start) throw badSchedule('/end', `${end} is not after the start`);
  return bounds;
}

function instantsOf(
  pattern: Pattern,
  { zone, spec, bounds }: { readonly zone: Zone; readonly spec: PlanSpec; readonly bounds: Bounds },
): (after: number) => Instant | undefined {
  if (pattern.kind === 'civil') return (after) => nextInstant(pattern.times, { zone, dst: spec.dst }, after);
  if (pattern.kind === 'instant') return (after) => (after < pattern.at ? { at: pattern.at } : undefined);
  // Counted from its start, or from 1970, and not from when it was written: the same words give the same instants.
  const { everyMs } = pattern;
  return (after) => ({ at: bounds.start + (Math.floor((after - bounds.start) / everyMs) + 1) * everyMs });
}

interface Days {
  readonly include: readonly Calendar[];
  readonly exclude: readonly Calendar[];
}

function daysOf({ calendars: { include, exclude } }: PlanSpec, calendars: ReadonlyMap<string, Calendar>): Days {
  const find = (key: 'include' | 'exclude') => (name: string, index: number) => {
    const calendar = calendars.get(name);
    if (!calendar) throw badSchedule(`/calendars/${key}/${index}`, `there is no calendar "${name}"`);
    return calendar;
  };
  return { include: include.map(find('include')), exclude: exclude.map(find('exclude')) };
}

function skipOf(instant: Instant, zone: Zone, { include, exclude }: Days): Planned['skip'] {
  if (instant.skip) return { reason: instant.skip };
  if (include.length === 0 && exclude.length === 0) return undefined;
  const civil = civilAt(zone, instant.at);
  const excluding = exclude.find((calendar) => calendar.includes(civil));
  if (excluding) return { reason: 'calendar', note: excluding.name };
  if (include.length === 0 || include.some((calendar) => calendar.includes(civil))) return undefined;
  return { reason: 'calendar', note: `not in ${include.map(({ name }) => name).join(', ')}` };
}

/** Follows from the occurrence: whoever leads comes to the same delay. */
function jitterOf(id: string, at: number, jitterMs: number): number {
  if (jitterMs === 0) return 0;
  return createHash('sha256').update(occurrenceIdOf(id, at)).digest().readUInt32BE(0) % jitterMs;
}
