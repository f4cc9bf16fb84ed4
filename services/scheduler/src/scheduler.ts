import { once } from 'node:events';
import type { Bus } from '@moltbot/bus';
import { createMaintenance, type Intake } from '@moltbot/intake';
import type { Notifications } from '@moltbot/notify';
import { type Calendar, compilePlan, loadCalendars } from '@moltbot/schedules';
import {
  type Clock,
  type Config,
  type Logger,
  type Registry,
  runRounds,
  type ScheduleRecord,
  type Service,
} from '@moltbot/shared';
import { createLeadership, type Store, type Term } from '@moltbot/store';
import { applyDeclared } from './apply-declared.ts';
import type { EngineDeps } from './engine-deps.ts';
import { createFarewell } from './farewell.ts';
import { fireSchedules } from './fire-schedules.ts';
import { createMirror } from './mirror.ts';
import { createNotices } from './notices.ts';
import { createOpenOccurrences } from './open-occurrences.ts';
import { createSchedulerMetrics } from './scheduler-metrics.ts';
import { createTimetable } from './timetable.ts';

export interface SchedulerDeps {
  readonly config: Pick<Config, 'tenants' | 'scheduler' | 'schedules' | 'calendars'>;
  readonly bus: Bus;
  readonly store: Store;
  readonly intake: Pick<Intake, 'submit' | 'find' | 'check' | 'cancel'>;
  readonly notifications: Notifications;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How often each duty looks, ms. */
const maintenanceEveryMs = 5_000;
const deliveryEveryMs = 1_000;
const changesEveryMs = 500;

/**
 * Does what one instance is to do at a time: the one that leads. Any number may run; when the leader is gone, another takes over within
 * the lease and a second.
 */
export function createScheduler(deps: SchedulerDeps): Service {
  const { config, bus, store, intake, notifications, registry, clock, log } = deps;
  const tenants = Object.keys(config.tenants);
  const maintain = createMaintenance({ bus, store, tenants, log });
  const notices = createNotices({ notify: notifications.notify, log });
  let calendars: ReadonlyMap<string, Calendar> = new Map();
  const unlessBad = <T>({ tenant, id }: ScheduleRecord, work: () => T): T | undefined => {
    try {
      return work();
    } catch (err) {
      metrics.bad(tenant);
      log.error({ err, tenant, schedule: id }, 'a schedule cannot be understood');
      return undefined;
    }
  };
  const timetable = createTimetable({
    planOf: (record) => unlessBad(record, () => compilePlan(record.id, record.spec, calendars)),
    nextOf: (plan, record) => unlessBad(record, () => plan.next(record.cursor)),
  });
  const open = createOpenOccurrences();
  const revisions = new Map<string, number>();
  const metrics = createSchedulerMetrics(registry, {
    isLeading: () => leadership.isLeading(),
    schedules: timetable.size,
    open: open.size,
  });

  const lead = async (term: Term): Promise<void> => {
    await farewell.end();
    const { signal } = term;
    const { onTimeMs } = config.scheduler;
    const engine: EngineDeps = {
      ...{ term, store, intake, timetable, open, notices, metrics, clock, log, onTimeMs },
    };
    const mirror = createMirror(engine, { tenants, revisions });
    const duty = (name: string, everyMs: number, round: (signal: AbortSignal) => Promise<unknown>) =>
      runRounds({ name, everyMs, clock, log, signal, round });
    const loaded = Promise.withResolvers<void>();
    let [isLoaded, isApplied] = [false, false];
    const follow = async (): Promise<void> => {
      if (!isLoaded) await mirror.load(loaded.resolve);
      isLoaded = true;
      if (!isApplied) await applyDeclared(engine, config.schedules, calendars);
      isApplied = true;
      await mirror.follow();
    };
    // What still runs must be known before anything is fired beside it.
    const fire = async (): Promise<void> => {
      if (!signal.aborted) await Promise.race([loaded.promise, once(signal, 'abort')]);
      await fireSchedules(engine);
    };
    await Promise.all([
      duty('maintenance', maintenanceEveryMs, maintain),
      duty('the delivery of notifications', deliveryEveryMs, notifications.deliverDue),
      duty('the look at changed schedules', changesEveryMs, follow),
      fire(),
    ]);
    farewell.begin(engine);
  };
  const farewell = createFarewell({ tenants, timetable, open, revisions, clock, log });
  const leadership = createLeadership({
    name: 'scheduler',
    store,
    clock,
    log,
    leaseMs: config.scheduler.leaseMs,
    lead,
  });
  let closed: Promise<void> | undefined;
  return {
    ...leadership,
    name: 'scheduler',
    async start() {
      calendars = await loadCalendars(config.calendars);
      await leadership.start();
    },
    async stop() {
      await leadership.stop();
      await farewell.end();
      closed ??= notifications.close();
      await closed;
    },
  };
}
