import type { Plan, Planned } from '@moltbot/schedules';
import { parseDuration, type ScheduleRecord } from '@moltbot/shared';
import type { NewOccurrence } from '@moltbot/store';

/** What is known when instants are decided. */
export interface Circumstances {
  /** Epoch ms. */
  readonly now: number;
  /** What is decided so long after its instant is on time. */
  readonly onTimeMs: number;
  /** A task of the schedule has not ended. */
  readonly isBusy: boolean;
  /** Occurrences that wait for that. */
  readonly waiting: number;
}

export interface Decided {
  readonly occurrences: readonly NewOccurrence[];
  /** Everything up to this instant is decided; absent when nothing was due. */
  readonly cursor?: number | undefined;
  /** More has passed than fits into one decision. */
  readonly hasMore: boolean;
}

/** Instants of one decision; longer rows of equal ends become one record; occurrences of one schedule that may wait for its task. */
export const limits = { instants: 1_000, alone: 20, waiting: 100 } as const;

type Fate = Pick<NewOccurrence, 'state'> & Partial<Pick<NewOccurrence, 'reason' | 'note'>>;

/** What becomes of each instant of a schedule that has passed and is not decided: exactly one record for each. */
export function scheduleToOccurrences(record: ScheduleRecord, plan: Plan, circumstances: Circumstances): Decided {
  const { now } = circumstances;
  const instants = passed(plan, record.cursor, now);
  const last = instants.at(-1);
  if (!last) return { occurrences: [], hasMore: false };
  const beyond = instants.length < limits.instants ? undefined : plan.next(last.at);
  const hasMore = beyond !== undefined && beyond.at <= now;
  const judge = createJudge(record, circumstances);
  const stands = hasMore && judge.isMisfire(beyond) ? undefined : instants.findLast(judge.isMisfire);
  const occurrences = instants.map((instant): NewOccurrence => {
    const { at, due } = instant;
    return { at, due, kind: 'planned', ...judge.fateOf(instant, instant === stands) };
  });
  return { occurrences: joinEqualEnds(occurrences), cursor: last.at, hasMore };
}

function passed(plan: Plan, cursor: number, now: number): readonly Planned[] {
  const instants: Planned[] = [];
  let next = plan.next(cursor);
  while (next && next.at <= now && instants.length < limits.instants) {
    instants.push(next);
    next = plan.next(next.at);
  }
  return instants;
}

/** Judges instants in their order: one that fires is what those after it may overlap with. */
function createJudge({ spec, activeSince }: ScheduleRecord, { now, onTimeMs, ...circumstances }: Circumstances) {
  let { isBusy, waiting } = circumstances;
  const windowMs = parseDuration(spec.misfireWindow);
  const deadlineMs = spec.deadline === undefined ? Number.POSITIVE_INFINITY : parseDuration(spec.deadline);

  const isMisfire = ({ at, skip }: Planned): boolean =>
    !skip && at > activeSince && now - at > onTimeMs && now - at <= windowMs;

  const wait = (): Fate => {
    if (waiting >= limits.waiting) return { state: 'skipped', reason: 'queue-full' };
    waiting += 1;
    return { state: 'waiting' };
  };
  const run = ({ due }: Planned): Fate => {
    if (now - due > deadlineMs) return { state: 'missed', reason: 'deadline' };
    // Its delay is not over: what it overlaps with is seen then.
    if (due > now) return { state: 'waiting' };
    if (spec.overlap === 'allow') return { state: 'firing' };
    if (isBusy && spec.overlap === 'skip') return { state: 'skipped', reason: 'overlap' };
    // Those that wait come first.
    if (isBusy || (waiting > 0 && spec.overlap !== 'skip')) return wait();
    isBusy = true;
    return { state: 'firing' };
  };
  const fateOf = (instant: Planned, standsForOthers: boolean): Fate => {
    const { at, skip } = instant;
    if (at <= activeSince) return { state: 'skipped', reason: 'paused' };
    if (skip) return { state: 'skipped', ...skip };
    if (now - at <= onTimeMs) return run(instant);
    if (now - at > windowMs) return { state: 'missed', reason: 'window' };
    if (spec.misfire === 'skip') return { state: 'missed', reason: 'misfire' };
    if (spec.misfire === 'run-once' && !standsForOthers) return { state: 'skipped', reason: 'misfire' };
    return run(instant);
  };
  return { isMisfire, fateOf };
}

const joinable: ReadonlySet<string | undefined> = new Set(['paused', 'window', 'misfire']);

/** A long row of the same end becomes one record that stands for all: a week that was slept through is no flood. */
function joinEqualEnds(occurrences: readonly NewOccurrence[]): readonly NewOccurrence[] {
  const joined: NewOccurrence[] = [];
  for (let from = 0; from < occurrences.length; ) {
    const row = rowFrom(occurrences, from);
    const [first, last] = [row[0], row.at(-1)];
    if (first && last && row.length > limits.alone) joined.push({ ...first, count: row.length, until: last.at });
    else joined.push(...row);
    from += row.length;
  }
  return joined;
}

function rowFrom(occurrences: readonly NewOccurrence[], from: number): readonly NewOccurrence[] {
  const first = occurrences[from];
  const isEqual = ({ state, reason }: NewOccurrence): boolean =>
    joinable.has(reason) && state === first?.state && reason === first.reason;
  let to = from + 1;
  for (let next = occurrences[to]; next && isEqual(next); next = occurrences[to]) to += 1;
  return occurrences.slice(from, to);
}
