import { Temporal } from 'temporal-polyfill';
import { badSchedule, meant } from './bad-schedule.ts';
import type { Civil } from './civil.ts';

/** A stretch of time in which a zone has one offset. */
export interface Stretch {
  /** First instant of it, epoch ms. */
  readonly from: number;
  /** Local time minus UTC, ms. */
  readonly offset: number;
  /** The offset before it. */
  readonly before: number;
}

/** The offsets of one zone, known as far as somebody asked. */
export interface Zone {
  /** The number of the stretch that holds an instant. Numbers grow with time. */
  indexAt(instant: number): number;
  /** Undefined after the last change of the zone that is known to come. */
  stretch(index: number): Stretch | undefined;
  offsetAt(instant: number): number;
}

const zones = new Map<string, Zone>();

/** @param name IANA name, any case @throws MOLT_BAD_SCHEDULE when there is no such zone */
export function zoneOf(name: string): Zone {
  const known = zones.get(name);
  if (known) return known;
  assertZone(name);
  const zone = createZone(name);
  zones.set(name, zone);
  return zone;
}

function assertZone(name: string): void {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name);
  } catch {
    const hint = meant(name, Intl.supportedValuesOf('timeZone'));
    throw badSchedule('/timezone', `there is no time zone "${name}"${hint}`);
  }
}

/** The earliest instant that is known exactly; before it the zone is taken to have had the offset it had then. */
const earliest = Date.UTC(1970, 0, 1);
/** Changes are looked for up to here: a rule of today may go on for ever. */
const latest = Date.UTC(2200, 0, 1);

function createZone(name: string): Zone {
  const at = (instant: number) => Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(name);
  const offsetOf = (zoned: { readonly offsetNanoseconds: number }): number => zoned.offsetNanoseconds / 1e6;
  const first = offsetOf(at(earliest));
  const stretches: Stretch[] = [{ from: Number.NEGATIVE_INFINITY, offset: first, before: first }];
  let knownUntil = earliest;

  const extend = (instant: number): void => {
    while (knownUntil <= instant && knownUntil < latest) {
      const change = at(knownUntil).getTimeZoneTransition('next');
      const from = change?.epochMilliseconds ?? latest;
      knownUntil = Math.min(from, latest);
      const before = stretches.at(-1)?.offset ?? first;
      // A change of the zone's name alone is none.
      if (change && from < latest && offsetOf(change) !== before)
        stretches.push({ from, offset: offsetOf(change), before });
    }
  };
  const indexAt = (instant: number): number => {
    extend(instant);
    let [low, high] = [0, stretches.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((stretches[middle]?.from ?? 0) <= instant) low = middle;
      else high = middle - 1;
    }
    return low;
  };
  return {
    indexAt,
    stretch(index) {
      while (index >= stretches.length && knownUntil < latest) extend(knownUntil);
      return stretches[index];
    },
    offsetAt: (instant) => stretches[indexAt(instant)]?.offset ?? first,
  };
}

/** What clocks of the zone show at an instant. */
export const civilAt = (zone: Zone, instant: number): Civil => instant + zone.offsetAt(instant);
