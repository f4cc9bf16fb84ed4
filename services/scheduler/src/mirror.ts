import type { EngineDeps } from './engine-deps.ts';
import { type OpenItem, openItemOf } from './open-occurrences.ts';
import { isUnsaved, putBackLost } from './put-back-lost.ts';

const changesPerStep = 500;

/** Keeps the timetable as the store is, and puts back what an emptied store has forgotten. */
export interface Mirror {
  /**
   * Every occurrence that is not at its end, then all schedules. @throws MOLT_STORE_DOWN
   * @param onOpenKnown from here on what is due can be fired, as one schedule after the other is known
   */
  load(onOpenKnown: () => void): Promise<void>;
  /** What changed since. @throws MOLT_STORE_DOWN */
  follow(): Promise<void>;
}

export interface MirrorOptions {
  /** Those whose schedules are fired here. */
  readonly tenants: readonly string[];
  /** The last revision that this instance has seen, of each tenant; it outlives a term, as the timetable does. */
  readonly revisions: Map<string, number>;
}

export function createMirror(deps: EngineDeps, { tenants, revisions }: MirrorOptions): Mirror {
  const { store, timetable, open, term, log } = deps;

  /** @param adopts whether somebody beside the leader may have left something to do for what changed; of a load all of that is known */
  const followTenant = async (tenant: string, adopts: boolean): Promise<void> => {
    for (;;) {
      if (term.signal.aborted) return;
      const seen = revisions.get(tenant) ?? 0;
      const { changes, revision } = await store.changedSchedules(tenant, seen, changesPerStep);
      if (revision < seen || isUnsaved(deps, tenant)) {
        await putBackLost(deps, tenant);
        revisions.set(tenant, 0);
        continue;
      }
      for (const { id, record } of changes) {
        if (record) timetable.put(record);
        else timetable.drop(tenant, id);
      }
      if (adopts && changes.some(({ record }) => record)) await adoptOpen(deps, tenant);
      const last = changes.at(-1);
      revisions.set(tenant, last?.revision ?? revision);
      if (changes.length < changesPerStep) return;
    }
  };
  return {
    async load(onOpenKnown) {
      // What this instance knows from a former term may be all that is left.
      for (const tenant of tenants) await putBackLost(deps, tenant);
      open.clear();
      for (const tenant of tenants) await adoptOpen(deps, tenant);
      onOpenKnown();
      for (const tenant of tenants) {
        revisions.set(tenant, 0);
        await followTenant(tenant, false);
        // What was left open since by who led before, or by a door, before the cursors that are known now.
        await adoptOpen(deps, tenant);
      }
      log.info({ schedules: timetable.size(), open: open.size() }, 'schedules are loaded');
    },
    async follow() {
      for (const tenant of tenants) await followTenant(tenant, true);
    },
  };
}

/** Somebody beside the leader may have asked for a run, or put back what an emptied store had lost. */
async function adoptOpen(deps: EngineDeps, tenant: string): Promise<void> {
  for await (const item of openItems(deps, tenant)) {
    if (!deps.open.has(tenant, item.scheduleId, item.at)) deps.open.add(item);
  }
}

async function* openItems({ store, term }: EngineDeps, tenant: string): AsyncGenerator<OpenItem> {
  let after: Awaited<ReturnType<EngineDeps['store']['listOpenOccurrences']>>[number] | undefined;
  do {
    const page = await store.listOpenOccurrences(tenant, { limit: changesPerStep, ...(after && { after }) });
    for (const { scheduleId, occurrence } of page) yield openItemOf(tenant, scheduleId, occurrence);
    after = page.length === changesPerStep ? page.at(-1) : undefined;
  } while (after && !term.signal.aborted);
}
