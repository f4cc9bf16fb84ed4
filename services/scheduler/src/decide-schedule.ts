import type { ScheduleRecord } from '@moltbot/shared';
import type { NewOccurrence } from '@moltbot/store';
import { endOfTask } from './end-of-task.ts';
import type { EngineDeps } from './engine-deps.ts';
import { giveUp } from './fire-occurrence.ts';
import { isOpen, type OpenItem, openItemOf } from './open-occurrences.ts';
import { scheduleToOccurrences } from './schedule-to-occurrences.ts';
import type { Entry } from './timetable.ts';

/** A schedule whose decision could not be recorded is looked at again after this, ms. */
const againMs = 500;

/** What is asked for by a person runs beside the plan, and the plan beside it. */
export const isInTheWay = ({ kind, state }: OpenItem): boolean => kind !== 'manual' && state !== 'waiting';

/**
 * Decides every instant of a schedule that has passed: records what becomes of each, in one step with the cursor, then fires what is to be
 * fired. Instants that could not be recorded are decided anew.
 * @param fire is not waited for: one slow door must not hold up the others
 */
export async function decideSchedule(deps: EngineDeps, entry: Entry, fire: (item: OpenItem) => void): Promise<void> {
  const { term, timetable, clock, log } = deps;
  const { tenant, id } = entry.record;
  try {
    if (!term.isOver()) await decide(deps, entry, fire);
  } catch (err) {
    log.warn({ err, schedule: id, tenant }, 'a schedule could not be decided yet');
    timetable.again(tenant, id, clock.now() + againMs);
  }
}

async function decide(deps: EngineDeps, { record, plan }: Entry, fire: (item: OpenItem) => void): Promise<void> {
  const { term, store, timetable, open, clock, log, onTimeMs } = deps;
  const { tenant, id, revision } = record;
  if (!plan) return;
  const isBusy = record.spec.overlap !== 'allow' && (await isStillBusy(deps, tenant, id));
  const waiting = open.of(tenant, id).filter(({ state, kind }) => state === 'waiting' && kind !== 'manual').length;
  const decided = scheduleToOccurrences(record, plan, { now: clock.now(), onTimeMs, isBusy, waiting });
  if (decided.cursor === undefined) return timetable.again(tenant, id, 0);
  const { occurrences, cursor } = decided;
  const outcome = await store.decideOccurrences({
    ...{ tenant, scheduleId: id, revision, epoch: term.epoch, cursor, occurrences },
  });
  if (outcome.kind !== 'ok') {
    // `stale` and `absent` come with a change that the next look at the changes brings; `fenced` is for another to decide.
    if (outcome.kind === 'fenced') log.warn({ schedule: id, tenant }, 'another leader decides for this schedule');
    return timetable.again(tenant, id, clock.now() + againMs);
  }
  const decisions = occurrences.map((occurrence, index) => ({ occurrence, isOurs: outcome.taken[index] === true }));
  // Everything that is to be done is in hand before anything that can fail.
  for (const { occurrence, isOurs } of decisions) if (isOurs) begin(deps, record, occurrence, fire);
  for (const { occurrence, isOurs } of decisions) if (!isOurs) await adopt(deps, record, occurrence.at);
  timetable.advance(tenant, id, cursor);
  for (const { occurrence, isOurs } of decisions) if (isOurs) await tell(deps, record, occurrence);
}

/** Decided before: by an earlier try whose answer was lost, or by one that led. Whoever it was may not look after it any more. */
async function adopt(deps: EngineDeps, record: ScheduleRecord, at: number): Promise<void> {
  const { store, open, notices } = deps;
  const { tenant, id } = record;
  if (open.has(tenant, id, at)) return;
  const occurrence = await store.getOccurrence(tenant, id, at);
  if (occurrence && isOpen(occurrence)) open.add(openItemOf(tenant, id, occurrence));
  // It may never have been told; told again it is the same.
  if (occurrence?.state === 'missed') await unlessItFails(deps, record, () => notices.missed(record, occurrence));
}

/** Asks the store: the end of a task may be seen a moment later than its next instant. */
async function isStillBusy(deps: EngineDeps, tenant: string, id: string): Promise<boolean> {
  for (const item of deps.open.of(tenant, id).filter(isInTheWay)) {
    if (item.state === 'fired' && !item.isBusy) await endOfTask(deps, item);
  }
  return deps.open.of(tenant, id).some(isInTheWay);
}

function begin(
  { open }: EngineDeps,
  { tenant, id: scheduleId }: ScheduleRecord,
  { state, at, due, kind }: NewOccurrence,
  fire: (item: OpenItem) => void,
): void {
  if (state !== 'waiting' && state !== 'firing') return;
  const lookAt = state === 'waiting' ? due : 0;
  const item: OpenItem = { tenant, scheduleId, at, kind, due, state, lookAt, looks: 0, isBusy: false };
  open.add(item);
  if (state === 'firing') fire(item);
}

/** What follows from a decision beside the firing. */
async function tell(deps: EngineDeps, record: ScheduleRecord, occurrence: NewOccurrence): Promise<void> {
  const { metrics, notices } = deps;
  const { state, at, reason, note, count } = occurrence;
  await unlessItFails(deps, record, async () => {
    if (state === 'waiting') await supersede(deps, record, at);
    if (state === 'skipped' || state === 'missed') metrics.ended(record.tenant, occurrence);
    if (state === 'missed') await notices.missed(record, { at, reason, note, count });
  });
}

/** One that fails is no reason to leave the others out. */
async function unlessItFails(
  { log }: EngineDeps,
  { tenant, id }: ScheduleRecord,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (err) {
    log.warn({ err, tenant, schedule: id }, 'what follows from a decision could not be done');
  }
}

/** Where the newest takes the place of those that wait, they wait no longer. */
async function supersede(deps: EngineDeps, { tenant, id, spec }: ScheduleRecord, at: number): Promise<void> {
  if (spec.overlap !== 'cancel-previous') return;
  const now = deps.clock.now();
  for (const other of deps.open.of(tenant, id)) {
    const waits = other.kind === 'planned' && other.state === 'waiting' && other.due <= now;
    if (waits && other.at < at) await giveUp(deps, other, { state: 'skipped', reason: 'superseded' });
  }
}
