import type { Delivery } from '@moltbot/bus';
import { type Clock, type Logger, type Service, watchOf } from '@moltbot/shared';
import type { ActiveRun, ActiveRuns } from './active-runs.ts';
import type { ExecutorMetrics } from './executor-metrics.ts';
import type { FairSlots } from './fair-slots.ts';

export interface WatchKeeperDeps {
  readonly runs: ActiveRuns;
  readonly slots: Pick<FairSlots, 'sweep'>;
  readonly metrics: Pick<ExecutorMetrics, 'watched'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly watchAfterMs: number;
}

/**
 * Puts a watch message on the ladder in place of a delivery of a run that goes on here. False when it could not be kept there:
 * the message comes again, and finds the run.
 */
export async function watchInstead(run: ActiveRun, delivery: Delivery): Promise<boolean> {
  const { delivery: former } = run;
  if ((await delivery.delay('30s', watchOf(run.message))) !== 'ok') return false;
  run.isWatched = true;
  if (former !== delivery) await former.ack();
  return true;
}

/**
 * Keeps every delivery short, so that no time-out of a broker matters: a run that lasts longer than `watchAfterMs` gives its
 * delivery back and is represented by a watch message, and a message that waits longer for a slot takes a lap through the ladder.
 */
export function createWatchKeeper(deps: WatchKeeperDeps): Service {
  const { runs, slots, metrics, clock, log, watchAfterMs } = deps;
  const stopped = new AbortController();
  let loop: Promise<void> | undefined;

  const look = async (): Promise<void> => {
    const before = clock.monotonic() - watchAfterMs;
    slots.sweep(before);
    for (const run of runs.all()) {
      if (run.isWatched || run.since > before) continue;
      if (!(await watchInstead(run, run.delivery))) continue;
      metrics.watched();
      log.info({ run: run.token.runId }, 'a long run is represented by a watch message from now on');
    }
  };

  const run = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      await clock.sleep(Math.min(10_000, watchAfterMs / 10), stopped.signal).catch(() => {});
      await look().catch((err: unknown) => log.warn({ err }, 'long runs keep their deliveries for now'));
    }
  };

  return {
    name: 'watch-keeper',
    async start() {
      loop = run();
    },
    // Runs are finished while quiescing, and may last long.
    async quiesce() {},
    async stop() {
      stopped.abort();
      await loop;
      loop = undefined;
    },
    health: () => ({ ok: true }),
  };
}
