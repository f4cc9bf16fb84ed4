import type { ScheduleRecord } from '@moltbot/shared';
import type { EngineDeps } from './engine-deps.ts';
import type { OpenItem } from './open-occurrences.ts';
import { putBackLost } from './put-back-lost.ts';

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
      if (revision < seen) {
        await putBackLost(deps, tenant);
        revisions.set(tenant, 0);
        continue;
      }
      for (const { id, record } of changes) {
        if (record) timetable.put(record);
        else timetable.drop(tenant, id);
        if (record && adopts) await adoptOpen(deps, record);
      }
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
      const before = new Map<string, number>();
      for (const tenant of tenants) before.set(tenant, await lastRevision(deps, tenant));
      for (const tenant of tenants) await loadOpen(deps, tenant);
      onOpenKnown();
      for (const tenant of tenants) {
        revisions.set(tenant, 0);
        await followTenant(tenant, false);
        // What came since is looked at once more, for what it left to do.
        revisions.set(tenant, before.get(tenant) ?? 0);
      }
      log.info({ schedules: timetable.size(), open: open.size() }, 'schedules are loaded');
    },
    async follow() {
      for (const tenant of tenants) await followTenant(tenant, true);
    },
  };
}

const lastRevision = async ({ store }: EngineDeps, tenant: string): Promise<number> =>
  (await store.changedSchedules(tenant, Number.MAX_SAFE_INTEGER, 1)).revision;

async function loadOpen(deps: EngineDeps, tenant: string): Promise<void> {
  let after: Awaited<ReturnType<EngineDeps['store']['listOpenOccurrences']>>[number] | undefined;
  do {
    const page = await deps.store.listOpenOccurrences(tenant, { limit: changesPerStep, ...(after && { after }) });
    for (const { scheduleId, occurrence } of page) deps.open.add(itemOf(tenant, scheduleId, occurrence));
    after = page.length === changesPerStep ? page.at(-1) : undefined;
  } while (after && !deps.term.signal.aborted);
}

/** Somebody beside the leader may have asked for a run: it is among the newest. */
async function adoptOpen(deps: EngineDeps, { tenant, id }: ScheduleRecord): Promise<void> {
  let cursor: string | undefined;
  do {
    const query = { limit: changesPerStep, states: ['waiting', 'firing'], cursor } as const;
    const page = await deps.store.listOccurrences(tenant, id, query);
    for (const occurrence of page.occurrences) {
      if (!deps.open.has(tenant, id, occurrence.at)) deps.open.add(itemOf(tenant, id, occurrence));
    }
    cursor = page.cursor;
  } while (cursor !== undefined && !deps.term.signal.aborted);
}

type KnownOccurrence = Awaited<ReturnType<EngineDeps['store']['listOpenOccurrences']>>[number]['occurrence'];

const itemOf = (tenant: string, scheduleId: string, occurrence: KnownOccurrence): OpenItem => {
  const { at, kind, due, state, taskId } = occurrence;
  return {
    ...{ tenant, scheduleId, at, kind, due, taskId, looks: 0, isBusy: false },
    state: state === 'waiting' || state === 'firing' ? state : 'fired',
    lookAt: state === 'waiting' ? due : 0,
  };
};
