import type { DstPolicy } from '@moltbot/shared';
import { type CivilPattern, dayMs } from './civil.ts';
import type { Stretch, Zone } from './zone.ts';

/** An instant that a pattern means, and why it is not to be run where it is not. */
export interface Instant {
  readonly at: number;
  readonly skip?: 'dst-gap' | 'dst-fold' | undefined;
}

export interface Clocks {
  readonly zone: Zone;
  readonly dst: DstPolicy;
}

/**
 * The first instant strictly after one at which clocks of the zone show a time of the pattern. Where clocks change, the policy decides:
 * docs/schedules.md, "When clocks change". A zone is walked stretch by stretch, each with one offset.
 */
export function nextInstant(times: CivilPattern, { zone, dst }: Clocks, after: number): Instant | undefined {
  let index = zone.indexAt(after + 1);
  let from = after;
  // What is over in one stretch may come once more in the next, and never after that.
  for (let over = 0; over < 2; ) {
    const stretch = zone.stretch(index);
    if (!stretch) return undefined;
    const following = zone.stretch(index + 1);
    const civil = times.next(from + stretch.offset);
    const found = earlier(
      direct(stretch, civil, { dst, times }),
      times.followsElapsedTime ? undefined : afterGap(times, stretch, dst, from),
    );
    if (found && (!following || found.at < following.from)) return found;
    if (!following) return undefined;
    over = civil === undefined ? over + 1 : 0;
    index = stretchToGoOn(zone, index, civil);
    from = Math.max(from, (zone.stretch(index)?.from ?? from) - 1);
  }
  return undefined;
}

/** The next one may repeat times that have been; after it, stretches without a time of the pattern are passed over. */
function stretchToGoOn(zone: Zone, index: number, civil: number | undefined): number {
  if (civil === undefined) return index + 1;
  return Math.max(index + 1, zone.indexAt(civil - dayMs));
}

interface Policy {
  readonly dst: DstPolicy;
  readonly times: CivilPattern;
}

/** Clocks show the time in this stretch: for the second time where they have just been put back over it. */
function direct({ from, offset, before }: Stretch, civil: number | undefined, { dst, times }: Policy) {
  if (civil === undefined) return undefined;
  const at = civil - offset;
  const isSecond = before > offset && civil < from + before;
  const isSkipped = isSecond && !times.followsElapsedTime && dst !== 'run-both';
  return isSkipped ? ({ at, skip: 'dst-fold' } as const) : { at };
}

/** What becomes of times that clocks passed over when they were put forward at the beginning of this stretch. */
function afterGap(times: CivilPattern, stretch: Stretch, dst: DstPolicy, after: number): Instant | undefined {
  const { from, offset, before } = stretch;
  if (offset <= before) return undefined;
  const [gapFrom, gapTo] = [from + before, from + offset];
  if (dst === 'shift') {
    const civil = times.next(Math.max(gapFrom - 1, after + before));
    return civil !== undefined && civil < gapTo ? { at: civil - before } : undefined;
  }
  if (from <= after) return undefined;
  const civil = times.next(gapFrom - 1);
  if (civil === undefined || civil >= gapTo) return undefined;
  return dst === 'skip' ? { at: from, skip: 'dst-gap' } : { at: from };
}

/** Of two at one instant the one that runs. */
function earlier(a: Instant | undefined, b: Instant | undefined): Instant | undefined {
  if (!a || !b) return a ?? b;
  if (a.at === b.at) return a.skip ? b : a;
  return a.at < b.at ? a : b;
}
