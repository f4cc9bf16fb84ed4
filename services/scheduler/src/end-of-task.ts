import { isFinal, occurrenceIdOf, type ScheduleRecord, type TaskRecord, type TaskState } from '@moltbot/shared';
import type { EngineDeps } from './engine-deps.ts';
import { lookLater } from './fire-occurrence.ts';
import type { OpenItem } from './open-occurrences.ts';
import { scheduleOf } from './schedule-of.ts';

/** A task that is not found so often was forgotten with its store, or by its retention. */
const looksUntilLost = 3;

/** What an end says of a schedule: that it failed, that it did not, or (a cancel) nothing. */
const failedBy: Readonly<Partial<Record<TaskState, boolean>>> = {
  succeeded: false,
  failed: true,
  'timed-out': true,
  unknown: true,
  undeliverable: true,
  expired: true,
};

/**
 * Looks whether the task of a fired occurrence has ended. Then: tells people what they asked to be told, pauses a schedule that failed too
 * often, and notes the end. That comes last, and telling is under ids of its own: done again after a crash it leaves nothing out, and tells
 * nothing twice. @throws MOLT_STORE_DOWN
 */
export async function endOfTask(deps: EngineDeps, item: OpenItem): Promise<void> {
  const { store } = deps;
  if (item.taskId === undefined) return;
  item.isBusy = true;
  try {
    lookLater(deps, item);
    const task = await store.getTask(item.tenant, item.taskId);
    if (task && !isFinal(task.state)) return;
    if (task) return await end(deps, item, task);
    item.looks += 1;
    if (item.looks >= looksUntilLost) await end(deps, item, undefined);
  } finally {
    item.isBusy = false;
  }
}

async function end(deps: EngineDeps, item: OpenItem, task: TaskRecord | undefined): Promise<void> {
  const { store, open, notices } = deps;
  const { tenant, scheduleId, at } = item;
  const record = await scheduleOf(deps, item);
  const outcome = task?.state ?? 'unknown';
  const failed = task && failedBy[task.state];
  if (record && task) {
    if (record.spec.alerts.length > 0)
      await notices.results(record, { at, task, runs: await store.getRuns(tenant, task.task.id) });
    if (failed) await notices.failed(record, { at, task });
  }
  const limit = failed ? record?.spec.pauseAfter : undefined;
  if (!record || limit === undefined) {
    await store.endOccurrence({ tenant, scheduleId, at, outcome, failed });
    return open.remove(item);
  }
  // Before the end is noted: a leader that dies in between leaves an occurrence that is open, and the next one does all of this again.
  const foreseen = await failuresWith(deps, item);
  if (foreseen >= limit) await pauseAndTell(deps, record, { at, failures: foreseen });
  const failures = (await store.endOccurrence({ tenant, scheduleId, at, outcome, failed })) ?? 0;
  // Another one of the schedule has failed at the same time.
  if (failures >= limit && foreseen < limit) await pauseAndTell(deps, record, { at, failures });
  open.remove(item);
}

/** Failures in a row when this one is counted, which it may be: by a try whose answer was lost. */
async function failuresWith({ store }: EngineDeps, { tenant, scheduleId, at }: OpenItem): Promise<number> {
  const occurrence = await store.getOccurrence(tenant, scheduleId, at);
  const schedule = await store.getSchedule(tenant, scheduleId);
  const isCounted = occurrence?.outcome !== undefined;
  return (schedule?.failures ?? 0) + (isCounted ? 0 : 1);
}

/** Tells of a pause that this failure has made, by an earlier try as well: told again it is the same. */
async function pauseAndTell(
  { store, notices, log }: EngineDeps,
  record: ScheduleRecord,
  { at, failures }: { readonly at: number; readonly failures: number },
): Promise<void> {
  const { tenant, id } = record;
  const by = `schedule:${occurrenceIdOf(id, at)}`;
  const outcome = await store.pauseSchedule(tenant, id, { why: 'failures', by });
  if (outcome === 'ok') log.warn({ schedule: id, tenant, failures }, 'paused: its tasks failed too often');
  const { paused } = (await store.getSchedule(tenant, id)) ?? {};
  if (paused?.why === 'failures' && paused.by === by) await notices.paused(record, { at, failures });
}
