import { backoffMs, type MoltError, type OccurrenceReason, parseDuration, type ScheduleRecord } from '@moltbot/shared';
import type { EngineDeps } from './engine-deps.ts';
import { occurrenceToTask, principalOf } from './occurrence-to-task.ts';
import type { OpenItem } from './open-occurrences.ts';
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
    else if (record) await ask(deps, item, record);
    else await giveUp(deps, item, { reason: 'refused', note: 'the schedule was deleted while this was fired' });
  } catch (err) {
    tryAgain(deps, item);
    log.warn({ err, schedule: item.scheduleId, tenant: item.tenant }, 'an occurrence could not be fired yet');
  } finally {
    item.isBusy = false;
    if (item.state === 'firing' && item.lookAt <= clock.now()) tryAgain(deps, item);
  }
}

async function ask(deps: EngineDeps, item: OpenItem, record: ScheduleRecord): Promise<void> {
  const fired = await occurrenceToTask(deps.intake, record, item.at);
  if (fired.kind === 'fired') {
    item.taskId = fired.taskId;
    return noteFired(deps, item, fired.taskId);
  }
  const { error } = fired;
  if (fired.kind === 'refused')
    return giveUp(deps, item, { reason: 'refused', note: `${error.code}: ${error.message}` });
  if (isTooLate(record, item, deps.clock.now()) && (await isCancelled(deps, item, error)))
    return giveUp(deps, item, { reason: 'deadline', note: `${error.code}: ${error.message}` });
  deps.log.warn(
    { schedule: item.scheduleId, tenant: item.tenant, code: error.code },
    'the door does not take an occurrence yet',
  );
  tryAgain(deps, item);
}

/** What is recorded and did not reach the bus must not run after it was called missed. False when it runs already. */
async function isCancelled({ intake }: EngineDeps, item: OpenItem, { details }: MoltError): Promise<boolean> {
  const { taskId } = details;
  if (typeof taskId !== 'string') return true;
  const principal = principalOf({ tenant: item.tenant, id: item.scheduleId });
  const outcome = await intake.cancel(principal, taskId);
  return outcome.kind !== 'requested' || outcome.leased.length === 0;
}

/** Without a deadline it is tried as long as a misfire would be run. */
function isTooLate({ spec }: ScheduleRecord, { due }: OpenItem, now: number): boolean {
  return now - due > parseDuration(spec.deadline ?? spec.misfireWindow);
}

async function noteFired(deps: EngineDeps, item: OpenItem, taskId: string): Promise<void> {
  const { store, metrics, clock, log } = deps;
  const { tenant, scheduleId, at } = item;
  const outcome = await store.moveOccurrence({ tenant, scheduleId, at, to: { state: 'fired', taskId }, follow: true });
  if (outcome === 'absent' && !(await recordFired(deps, item, taskId))) return tryAgain(deps, item);
  metrics.fired(tenant, Math.max(0, clock.now() - item.due));
  log.info({ task: taskId, tenant, schedule: scheduleId, at: new Date(at).toISOString() }, 'fired');
  watchEnd(deps, item, taskId);
}

/** The store was emptied as it was fired. False while it does not have the schedule back. */
async function recordFired(deps: EngineDeps, item: OpenItem, taskId: string): Promise<boolean> {
  const { store, term } = deps;
  const { tenant, scheduleId, at, due, kind } = item;
  const record = await scheduleOf(deps, item);
  if (!record) return false;
  const { revision } = record;
  const occurrences = [{ at, due, kind, state: 'fired', taskId }] as const;
  return (
    (await store.decideOccurrences({ tenant, scheduleId, revision, epoch: term.epoch, occurrences })).kind === 'ok'
  );
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
  const outcome = await store.moveOccurrence({ tenant, scheduleId, at, to: { state, reason, note } });
  open.remove(item);
  if (outcome !== 'ok') return;
  metrics.ended(tenant, { state, reason });
  log.info({ tenant, schedule: scheduleId, at: new Date(at).toISOString(), reason, note }, state);
  const record = state === 'missed' && (await scheduleOf(deps, item));
  if (record) await notices.missed(record, { at, reason, note });
}
