import { counter, gauge, histogram, type Registry, type RunOutcome } from '@moltbot/shared';

export interface ExecutorMetrics {
  /** @param seconds from the claim to the end; absent for runs that only got their end here */
  finished(outcome: RunOutcome, seconds?: number): void;
}

export function createExecutorMetrics(
  registry: Registry,
  levels: { readonly pool: string; readonly running: () => number; readonly waiting: () => number },
): ExecutorMetrics {
  const finished = counter(registry, {
    name: 'moltbot_runs_total',
    help: 'Runs that ended here, by final state and error code.',
    labelNames: ['pool', 'state', 'code'],
  });
  const duration = histogram(registry, {
    name: 'moltbot_run_seconds',
    help: 'Seconds from claim to end.',
    labelNames: ['pool', 'state'],
  });
  const slots = gauge(registry, {
    name: 'moltbot_executor_runs',
    help: 'Runs in a slot, and runs that wait for one here.',
    labelNames: ['pool', 'place'],
    collect() {
      slots.set({ pool: levels.pool, place: 'running' }, levels.running());
      slots.set({ pool: levels.pool, place: 'waiting' }, levels.waiting());
    },
  });
  return {
    finished({ state, error }, seconds) {
      finished.inc({ pool: levels.pool, state, code: error?.code ?? '' });
      if (seconds !== undefined) duration.observe({ pool: levels.pool, state }, seconds);
    },
  };
}
