import type { ScheduleRecord } from '@moltbot/shared';
import type { EngineDeps } from './engine-deps.ts';
import type { OpenItem } from './open-occurrences.ts';

/**
 * The schedule of an occurrence, or undefined when it was deleted. The store is asked for one that is not in the timetable: a leader that
 * has just taken over fires before it has read all of them. @throws MOLT_STORE_DOWN
 */
export async function scheduleOf(
  { timetable, store }: Pick<EngineDeps, 'timetable' | 'store'>,
  { tenant, scheduleId }: Pick<OpenItem, 'tenant' | 'scheduleId'>,
): Promise<ScheduleRecord | undefined> {
  return timetable.get(tenant, scheduleId)?.record ?? (await store.getSchedule(tenant, scheduleId));
}
