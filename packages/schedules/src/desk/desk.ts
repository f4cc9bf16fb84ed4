import type { Intake } from '@moltbot/intake';
import {
  type Clock,
  type Logger,
  MoltError,
  type Occurrence,
  type Principal,
  type ScheduleRecord,
  type ScheduleSpec,
} from '@moltbot/shared';
import type { OccurrencePage, OccurrenceQuery, SchedulePage, ScheduleQuery, Store } from '@moltbot/store';
import { compileAlerts } from '../alert.ts';
import type { Calendar } from '../when/calendar.ts';
import { compilePlan, type Planned, planKey } from '../when/plan.ts';
import { type ChannelOwners, requireChannels } from './require-channels.ts';

export interface ScheduleDeskDeps {
  readonly store: Store;
  readonly intake: Pick<Intake, 'check'>;
  readonly calendars: ReadonlyMap<string, Calendar>;
  /** Those that notices may be sent to. */
  readonly channels: ChannelOwners;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Where people manage schedules; whoever leads sees each change within a second. Each call is of the principal's tenant alone. */
export interface ScheduleDesk {
  /** @throws MOLT_BAD_SCHEDULE, MOLT_UNKNOWN_ACTION, MOLT_BAD_ARGUMENTS; MOLT_SCHEDULE_DECLARED when a configuration declares it */
  put(
    principal: Principal,
    id: string,
    spec: ScheduleSpec,
  ): Promise<{ readonly record: ScheduleRecord; readonly created: boolean }>;
  /** @throws MOLT_NOT_FOUND */
  get(principal: Principal, id: string): Promise<ScheduleRecord>;
  list(principal: Principal, query: ScheduleQuery): Promise<SchedulePage>;
  /** @throws MOLT_NOT_FOUND, MOLT_SCHEDULE_DECLARED */
  drop(principal: Principal, id: string): Promise<void>;
  /** Until `resume`; also what a configuration declares. @throws MOLT_NOT_FOUND */
  pause(principal: Principal, id: string): Promise<ScheduleRecord>;
  resume(principal: Principal, id: string): Promise<ScheduleRecord>;
  /** The next instants, those that are not run among them. @throws MOLT_NOT_FOUND */
  next(principal: Principal, id: string, count: number): Promise<readonly Planned[]>;
  /** The next instants of one that is not stored. @throws MOLT_BAD_SCHEDULE */
  preview(spec: ScheduleSpec, count: number): readonly Planned[];
  /** What became of its instants; also of one that is gone. */
  occurrences(principal: Principal, id: string, query: OccurrenceQuery): Promise<OccurrencePage>;
  /**
   * Runs it once beside its plan, whatever else runs. @throws MOLT_NOT_FOUND
   * @param wishedAt epoch ms, by which a wish is known that may be told again: it comes to one occurrence, and so to one task
   */
  run(principal: Principal, id: string, wishedAt?: number): Promise<Occurrence>;
  /** Runs its instants in a stretch of the past that were missed, skipped or never planned, one after another; returns their number. @throws MOLT_NOT_FOUND, MOLT_BAD_REQUEST when there are more than 1 000 */
  backfill(principal: Principal, id: string, stretch: { readonly from: number; readonly to: number }): Promise<number>;
}

const mostBackfilled = 1_000;

export function createScheduleDesk(deps: ScheduleDeskDeps): ScheduleDesk {
  const { store, intake, calendars, channels, clock, log } = deps;
  const get: ScheduleDesk['get'] = async ({ tenant }, id) => {
    const record = await store.getSchedule(tenant, id);
    if (!record) throw new MoltError('MOLT_NOT_FOUND', `there is no schedule "${id}"`);
    return record;
  };
  const setPause = async (principal: Principal, id: string, isPaused: boolean): Promise<ScheduleRecord> => {
    const { tenant, id: by } = principal;
    await store.pauseSchedule(tenant, id, isPaused ? { why: 'operator', by } : undefined);
    log.info({ tenant, principal: by, schedule: id }, isPaused ? 'a schedule is paused' : 'a schedule is resumed');
    return get(principal, id);
  };
  const instants = (id: string, spec: ScheduleSpec, count: number, after: number): readonly Planned[] => {
    const plan = compilePlan(id, spec, calendars);
    const found: Planned[] = [];
    for (let next = plan.next(after); next && found.length < count; next = plan.next(next.at)) found.push(next);
    return found;
  };
  return {
    async put({ tenant, id: by }, id, spec) {
      compilePlan(id, spec, calendars);
      compileAlerts(spec.alerts);
      requireChannels(tenant, spec, channels);
      intake.check(spec.task);
      for (const { remedy } of spec.alerts) if (remedy) intake.check(remedy);
      const { kind, record } = await store.putSchedule({ tenant, id, spec, source: 'api', by, plan: planKey(spec) });
      if (kind === 'foreign') throw declared(id);
      if (kind !== 'same') log.info({ tenant, principal: by, schedule: id }, `a schedule is ${kind}`);
      return { record, created: kind === 'created' };
    },
    get,
    list: ({ tenant }, query) => store.listSchedules(tenant, query),
    async drop({ tenant, id: by }, id) {
      const outcome = await store.dropSchedule(tenant, id, 'api');
      if (outcome === 'absent') throw new MoltError('MOLT_NOT_FOUND', `there is no schedule "${id}"`);
      if (outcome === 'foreign') throw declared(id);
      log.info({ tenant, principal: by, schedule: id }, 'a schedule is deleted');
    },
    pause: (principal, id) => setPause(principal, id, true),
    resume: (principal, id) => setPause(principal, id, false),
    async next(principal, id, count) {
      const { spec } = await get(principal, id);
      return instants(id, spec, count, clock.now());
    },
    preview: (spec, count) => instants('preview', spec, count, clock.now()),
    occurrences: ({ tenant }, id, query) => store.listOccurrences(tenant, id, query),
    run: async (principal, id, wishedAt) => runNow(deps, { record: await get(principal, id), principal, wishedAt }),
    async backfill(principal, id, { from, to }) {
      const record = await get(principal, id);
      const until = Math.min(to, clock.now());
      const planned = instants(id, record.spec, mostBackfilled + 1, from - 1).filter(
        ({ at, skip }) => at <= until && !skip,
      );
      if (planned.length > mostBackfilled)
        throw new MoltError('MOLT_BAD_REQUEST', `there are more than ${mostBackfilled} instants in it`);
      const outcomes: string[] = [];
      for (const { at } of planned) outcomes.push(await store.reopenOccurrence(record.tenant, id, at));
      log.info({ tenant: record.tenant, principal: principal.id, schedule: id, from, to }, 'a schedule is filled in');
      return outcomes.filter((outcome) => outcome === 'ok').length;
    },
  };
}

interface Wish {
  readonly record: ScheduleRecord;
  readonly principal: Principal;
  readonly wishedAt: number | undefined;
}

async function runNow(
  { store, clock, log }: ScheduleDeskDeps,
  { record, principal, wishedAt }: Wish,
): Promise<Occurrence> {
  const { tenant, id } = record;
  for (let wished = wishedAt; ; ) {
    const now = clock.now();
    const at = wished ?? now;
    const { revision } = (await store.getSchedule(tenant, id)) ?? record;
    const occurrences = [{ at, due: Math.min(at, now), kind: 'manual', state: 'waiting' }] as const;
    const outcome = await store.decideOccurrences({ tenant, scheduleId: id, revision, epoch: 0, occurrences });
    const isMade = outcome.kind === 'ok' && outcome.taken[0] === true;
    const known = outcome.kind === 'ok' ? await store.getOccurrence(tenant, id, at) : undefined;
    if (known && isMade) log.info({ tenant, principal: principal.id, schedule: id }, 'a schedule is run now');
    // The same wish once more; what was planned, or filled in, is none.
    const isSame = wished !== undefined && known?.kind === 'manual';
    if (known && (isMade || isSame)) return known;
    if (outcome.kind === 'absent') throw new MoltError('MOLT_NOT_FOUND', `there is no schedule "${id}"`);
    // Another has this very millisecond, or the schedule has just been changed.
    if (wished !== undefined && known) wished += 1;
    else await clock.sleep(2);
  }
}

const declared = (id: string): MoltError =>
  new MoltError('MOLT_SCHEDULE_DECLARED', `"${id}" is declared by the configuration`);
