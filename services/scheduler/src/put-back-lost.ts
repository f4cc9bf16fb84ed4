import { planKey } from '@moltbot/schedules';
import type { ScheduleRecord, ScheduleSpec } from '@moltbot/shared';
import type { NewOccurrence } from '@moltbot/store';
import type { EngineDeps } from './engine-deps.ts';
import { type OpenItem, scheduleName } from './open-occurrences.ts';

const changesPerStep = 500;

/**
 * A store that was emptied knows nothing of a schedule, not even that it was deleted. Those are put back as this instance knows them: where
 * they stood, and what was open. One that may have been fired, and whose task may not run twice, is `in-doubt` then.
 * @returns the number of schedules put back @throws MOLT_STORE_DOWN
 */
export async function putBackLost(deps: EngineDeps, tenant: string): Promise<number> {
  const { store, timetable, open, log } = deps;
  const own = [...timetable.entries()].map(({ record }) => record).filter((record) => record.tenant === tenant);
  if (own.length === 0) return 0;
  const known = await knownIds(deps, tenant);
  const lost = own.filter(({ id }) => !known.has(id));
  // Remembered until it is done: once a schedule is back, nothing in the store says that its open occurrences are not.
  for (const { id } of lost) open.unsaved.add(scheduleName(tenant, id));
  const restored =
    lost.length === 0
      ? 0
      : await store.restoreSchedules(
          tenant,
          lost.map((record) => ({ ...record, plan: planKey(record.spec) })),
        );
  const unsaved = own.filter(({ id }) => open.unsaved.has(scheduleName(tenant, id)));
  for (const record of unsaved) await putBackOpen(deps, record);
  if (restored > 0) log.warn({ tenant, restored }, 'the store had lost schedules; put them back');
  return restored;
}

/** Something of a schedule of this tenant is still to be put back. */
export const isUnsaved = ({ open }: Pick<EngineDeps, 'open'>, tenant: string): boolean =>
  [...open.unsaved].some((name) => name.startsWith(scheduleName(tenant, '')));

/** Of every schedule that the store knows, or knows to be deleted. */
async function knownIds({ store }: EngineDeps, tenant: string): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  for (let after = 0; ; ) {
    const { changes } = await store.changedSchedules(tenant, after, changesPerStep);
    for (const { id } of changes) ids.add(id);
    const last = changes.at(-1);
    if (!last || changes.length < changesPerStep) return ids;
    after = last.revision;
  }
}

const triesAtMost = 10;

/** As a door does it, under no epoch: whoever leads by now is told by the change, and looks after what is open. */
async function putBackOpen(deps: EngineDeps, { tenant, id, spec }: ScheduleRecord): Promise<void> {
  const { store, open } = deps;
  const items = open.of(tenant, id);
  for (let tries = 0; tries < triesAtMost; tries += 1) {
    const record = items.length > 0 ? await store.getSchedule(tenant, id) : undefined;
    if (!record) break;
    const occurrences = items.map((item) => rowOf(item, () => mayRunAgain(deps, spec)));
    const { revision } = record;
    const { kind } = await store.decideOccurrences({ tenant, scheduleId: id, revision, epoch: 0, occurrences });
    if (kind !== 'ok') continue;
    // Asked for again, one that is in doubt could run twice.
    for (const [index, { state }] of occurrences.entries()) {
      const item = items[index];
      if (item && state === 'missed') open.remove(item);
    }
    break;
  }
  open.unsaved.delete(scheduleName(tenant, id));
}

function rowOf({ at, due, kind, state, taskId }: OpenItem, mayFireAgain: () => boolean): NewOccurrence {
  if (taskId !== undefined) return { at, due, kind, state: 'fired', taskId };
  if (state === 'waiting' || mayFireAgain()) return { at, due, kind, state };
  return { at, due, kind, state: 'missed', reason: 'in-doubt' };
}

/** What was asked for already finds its first copy on the target, or may run twice; but for what no target keeps a record of. */
function mayRunAgain({ intake }: EngineDeps, { task }: ScheduleSpec): boolean {
  try {
    return (task.class ?? intake.check(task)) !== 'at-most-once';
  } catch {
    return false;
  }
}
