import { isFinal, type ScheduleRecord, type TaskRecord, type TaskState } from '@moltbot/shared';
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
 * Looks whether the task of a fired occurrence has ended. Then: tells people what they asked to be told, notes the end, and pauses a schedule
 * that failed too often. Telling comes first and under ids of its own: done again after a crash it tells nothing twice. @throws MOLT_STORE_DOWN
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
  const failures = await store.endOccurrence({ tenant, scheduleId, at, outcome, failed });
  open.remove(item);
  if (record && failed && failures !== undefined) await pauseWhenTooOften(deps, record, { at, failures });
}

async function pauseWhenTooOften(
  { store, notices, log }: EngineDeps,
  record: ScheduleRecord,
  { at, failures }: { readonly at: number; readonly failures: number },
): Promise<void> {
  const { tenant, id, spec } = record;
  if (spec.pauseAfter === undefined || failures < spec.pauseAfter) return;
  const paused = await store.pauseSchedule(tenant, id, { why: 'failures', by: `schedule:${id}` });
  if (paused !== 'ok') return;
  log.warn({ schedule: id, tenant, failures }, 'paused: its tasks failed too often');
  await notices.paused(record, { at, failures });
}
