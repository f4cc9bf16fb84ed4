import { backoffMs, type OccurrenceReason, occurrenceIdOf, parseDuration, type ScheduleRecord } from '@moltbot/shared';
import type { NewOccurrence } from '@moltbot/store';
import type { EngineDeps } from './engine-deps.ts';
import { hasStarted, occurrenceToTask, principalOf } from './occurrence-to-task.ts';
import { isOpen, type OpenItem, openItemOf } from './open-occurrences.ts';
import { scheduleOf } from './schedule-of.ts';

/** Between two tries of what the door could not take, and of what the store could not note. */
const patience = { baseMs: 500, maxMs: 10_000 } as const;
/** An end that nobody told of is looked for so often, ms. */
const lookEveryMs = 30_000;

/**
 * Fires an occurrence that is recorded as firing: asks the door for its task, then notes it. Done again after any failure, by whoever leads
 * then, it comes to the same task.
 */
export async function fireOccurrence(deps: EngineDeps, item: OpenItem): Promise<void> {
  const { term, clock, log } = deps;
  if (term.isOver()) return;
  item.isBusy = true;
  try {
    const record = await scheduleOf(deps, item);
    if (item.taskId !== undefined) await noteFired(deps, item, item.taskId);
    else if (!record)
      await giveUpUnasked(deps, item, { reason: 'refused', note: 'the schedule was deleted while this was fired' });
    else if (isTooLate(record, item, clock.now()))
      await giveUpUnasked(deps, item, { reason: 'deadline', note: item.refusal ?? 'it could not be fired in time' });
    else await ask(deps, item, record);
  } catch (err) {
    tryAgain(deps, item);
    log.warn({ err, schedule: item.scheduleId, tenant: item.tenant }, 'an occurrence could not be fired yet');
  } finally {
    item.isBusy = false;
    if (item.state === 'firing' && item.lookAt <= clock.now()) tryAgain(deps, item);
  }
}

async function ask(deps: EngineDeps, item: OpenItem, record: ScheduleRecord): Promise<void> {
  const { log, clock } = deps;
  const fired = await occurrenceToTask(deps, record, item);
  if (fired.kind === 'fired') {
    item.taskId = fired.taskId;
    return noteFired(deps, item, fired.taskId);
  }
  const { code, message } = fired.error;
  const note = `${code}: ${message}`;
  if (fired.kind === 'refused') return giveUpUnasked(deps, item, { reason: 'refused', note });
  if (isTooLate(record, item, clock.now())) return giveUpUnasked(deps, item, { reason: 'deadline', note });
  item.refusal = note;
  log.warn({ schedule: item.scheduleId, tenant: item.tenant, code }, 'the door does not take an occurrence yet');
  tryAgain(deps, item);
}

/**
 * Gives up what the door may have taken by an earlier try, of this leader or another: what has not started never will, and what has is not
 * called missed.
 */
async function giveUpUnasked(deps: EngineDeps, item: OpenItem, why: Parameters<typeof giveUp>[2]): Promise<void> {
  const { intake } = deps;
  const { tenant, scheduleId: id, at } = item;
  const principal = principalOf({ tenant, id });
  const taskId = await intake.find(principal, occurrenceIdOf(id, at));
  if (taskId === undefined || !(await mayStart(deps, tenant, taskId))) return giveUp(deps, item, why);
  item.taskId = taskId;
  return noteFired(deps, item, taskId);
}

/** Cancels a task of which nothing has started. True when something has, or is about to. */
async function mayStart({ intake, store }: EngineDeps, tenant: string, taskId: string): Promise<boolean> {
  if (await hasStarted({ store }, tenant, taskId)) return true;
  const task = await store.getTask(tenant, taskId);
  if (!task) return false;
  const outcome = await intake.cancel(task.task.principal, taskId);
  return (outcome.kind === 'requested' && outcome.leased.length > 0) || hasStarted({ store }, tenant, taskId);
}

/** What somebody asked for, or asked to be filled in, is never too late. Without a deadline it is tried as long as a misfire would be run. */
function isTooLate({ spec }: ScheduleRecord, { due, kind }: OpenItem, now: number): boolean {
  return kind === 'planned' && now - due > parseDuration(spec.deadline ?? spec.misfireWindow);
}

async function noteFired(deps: EngineDeps, item: OpenItem, taskId: string): Promise<void> {
  const { store, metrics, clock, log } = deps;
  const { tenant, scheduleId, at } = item;
  const outcome = await store.moveOccurrence({ tenant, scheduleId, at, to: { state: 'fired', taskId }, follow: true });
  if (outcome === 'absent') await recordAgain(deps, item, { state: 'fired', taskId });
  // The store has lost that it was begun.
  if (outcome === 'illegal') await store.moveOccurrence({ tenant, scheduleId, at, to: { state: 'firing' } });
  if (outcome !== 'ok' && !(await isNotedAs(deps, item, taskId))) return tryAgain(deps, item);
  metrics.fired(tenant, Math.max(0, clock.now() - item.due));
  log.info({ task: taskId, tenant, schedule: scheduleId, at: new Date(at).toISOString() }, 'fired');
  watchEnd(deps, item, taskId);
}

async function isNotedAs(
  { store }: EngineDeps,
  { tenant, scheduleId, at }: OpenItem,
  taskId: string,
): Promise<boolean> {
  const known = await store.getOccurrence(tenant, scheduleId, at);
  return known?.state === 'fired' && known.taskId === taskId;
}

/** The store was emptied, or has lost what was written last. Nothing while it does not have the schedule back. */
export async function recordAgain(
  { store }: EngineDeps,
  { tenant, scheduleId, at, due, kind }: OpenItem,
  how: Pick<NewOccurrence, 'state' | 'reason' | 'note' | 'taskId'>,
): Promise<void> {
  const record = await store.getSchedule(tenant, scheduleId);
  if (!record) return;
  const { revision } = record;
  await store.decideOccurrences({ tenant, scheduleId, revision, epoch: 0, occurrences: [{ at, due, kind, ...how }] });
}

/** Looks again as soon as the task ends, and now and then. */
export function watchEnd({ store, clock }: EngineDeps, item: OpenItem, taskId: string): void {
  item.state = 'fired';
  item.looks = 0;
  item.lookAt = clock.now() + lookEveryMs;
  item.unwatch ??= store.watchEnd(item.tenant, taskId, () => {
    item.lookAt = 0;
  });
}

export function lookLater({ clock }: Pick<EngineDeps, 'clock'>, item: OpenItem): void {
  item.lookAt = clock.now() + lookEveryMs;
}

function tryAgain({ clock }: EngineDeps, item: OpenItem): void {
  item.looks += 1;
  item.lookAt = clock.now() + backoffMs(item.looks, patience);
}

/** Ends an occurrence that is not fired. @throws MOLT_STORE_DOWN */
export async function giveUp(
  deps: EngineDeps,
  item: OpenItem,
  why: { readonly reason: OccurrenceReason; readonly note?: string | undefined; readonly state?: 'skipped' | 'missed' },
): Promise<void> {
  const { store, open, metrics, log, notices } = deps;
  const { tenant, scheduleId, at } = item;
  const { state = 'missed', reason, note } = why;
  const from = item.state === 'fired' ? undefined : item.state;
  const outcome = await store.moveOccurrence({ tenant, scheduleId, at, from, to: { state, reason, note } });
  if (outcome === 'absent' && (await scheduleOf(deps, item))) {
    await recordAgain(deps, item, { state, reason, note });
    return lookSoon(deps, item);
  }
  open.remove(item);
  // Somebody else has moved it on since.
  if (outcome === 'illegal') return adoptAgain(deps, item);
  if (outcome === 'absent') return;
  metrics.ended(tenant, { state, reason });
  log.info({ tenant, schedule: scheduleId, at: new Date(at).toISOString(), reason, note }, state);
  const record = state === 'missed' && (await scheduleOf(deps, item));
  if (record) await notices.missed(record, { at, reason, note });
}

/** Looks after an occurrence as the store has it now, if something is still to be done about it. */
export async function adoptAgain({ store, open }: EngineDeps, { tenant, scheduleId, at }: OpenItem): Promise<void> {
  const known = await store.getOccurrence(tenant, scheduleId, at);
  if (known && isOpen(known)) open.add(openItemOf(tenant, scheduleId, known));
}

/** What a store has lost is put back in a moment. */
export function lookSoon({ clock }: Pick<EngineDeps, 'clock'>, item: OpenItem): void {
  item.lookAt = clock.now() + patience.baseMs;
}
