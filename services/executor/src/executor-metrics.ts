import { counter, type ErrorCode, gauge, histogram, type Registry, type RunOutcome } from '@moltbot/shared';

export interface ExecutorMetrics {
  /** @param seconds from the claim to the end; absent for runs that only got their end here */
  finished(outcome: Pick<RunOutcome, 'state' | 'error'>, seconds?: number): void;
  /** A guarded run whose worker is gone goes on here. */
  tookOver(): void;
  /** A run goes back to wait for another attempt. */
  retried(code: ErrorCode): void;
  /** A watch message stands for a run from now on. */
  watched(): void;
  /** A run of ours is with another worker, or the store does not know it any more. */
  fenced(): void;
}

export function createExecutorMetrics(
  registry: Registry,
  levels: { readonly pool: string; readonly running: () => number; readonly waiting: () => number },
): ExecutorMetrics {
  const { pool } = levels;
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
      slots.set({ pool, place: 'running' }, levels.running());
      slots.set({ pool, place: 'waiting' }, levels.waiting());
    },
  });
  const count = (name: string, help: string): (() => void) => {
    const total = counter(registry, { name, help, labelNames: ['pool'] });
    return () => total.inc({ pool });
  };
  const retries = counter(registry, {
    name: 'moltbot_run_retries_total',
    help: 'Attempts that another is to follow, by error code.',
    labelNames: ['pool', 'code'],
  });
  return {
    finished({ state, error }, seconds) {
      finished.inc({ pool, state, code: error?.code ?? '' });
      if (seconds !== undefined) duration.observe({ pool, state }, seconds);
    },
    tookOver: count('moltbot_run_take_overs_total', 'Guarded runs of workers that are gone, taken over here.'),
    retried: (code) => retries.inc({ pool, code }),
    watched: count('moltbot_run_watches_total', 'Long runs that a watch message came to stand for.'),
    fenced: count('moltbot_runs_fenced_total', 'Runs let go here because another worker holds them.'),
  };
}
