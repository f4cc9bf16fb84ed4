import { counter, gauge, histogram, type Occurrence, type Registry } from '@moltbot/shared';

export interface SchedulerMetrics {
  /** An occurrence came to its end, or `count` of them. */
  ended(tenant: string, occurrence: Pick<Occurrence, 'state' | 'reason' | 'count'>): void;
  /** @param lagMs from the time it was due to the acceptance of its task */
  fired(tenant: string, lagMs: number): void;
  /** A schedule that cannot be understood. */
  bad(tenant: string): void;
}

export function createSchedulerMetrics(
  registry: Registry,
  levels: { readonly isLeading: () => boolean; readonly schedules: () => number; readonly open: () => number },
): SchedulerMetrics {
  const ended = counter(registry, {
    name: 'moltbot_schedule_occurrences_total',
    help: 'Occurrences that were fired, skipped or missed, by reason.',
    labelNames: ['tenant', 'state', 'reason'],
  });
  const lag = histogram(registry, {
    name: 'moltbot_schedule_lag_seconds',
    help: 'From the time an occurrence was due to the acceptance of its task.',
    labelNames: ['tenant'],
  });
  const bad = counter(registry, {
    name: 'moltbot_schedules_bad_total',
    help: 'Schedules that were met and could not be understood.',
    labelNames: ['tenant'],
  });
  const level = (name: string, help: string, read: () => number): void => {
    const known = gauge(registry, { name, help, collect: () => known.set(read()) });
  };
  level('moltbot_scheduler_leading', '1 in the instance that leads.', () => Number(levels.isLeading()));
  level('moltbot_schedules', 'Schedules that this instance knows of.', levels.schedules);
  level('moltbot_schedule_occurrences_open', 'Occurrences that wait, fire, or whose task has not ended.', levels.open);
  return {
    ended: (tenant, { state, reason = '', count = 1 }) => ended.inc({ tenant, state, reason }, count),
    fired(tenant, lagMs) {
      ended.inc({ tenant, state: 'fired', reason: '' });
      lag.observe({ tenant }, lagMs / 1_000);
    },
    bad: (tenant) => bad.inc({ tenant }),
  };
}
