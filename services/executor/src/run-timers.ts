import type { Clock, RunOrder } from '@moltbot/shared';
import type { StopReason } from './active-runs.ts';
import { longestTime } from './time-to-start.ts';

export interface RunTimers {
  start(): void;
  /** A sign of life of the command: its silence begins anew. */
  activity(): void;
  stop(): void;
}

export interface RunTimersDeps {
  readonly order: RunOrder;
  readonly clock: Pick<Clock, 'now'>;
  readonly stop: (reason: StopReason) => void;
}

/** Watches the longest time, the deadline and the longest silence of a run, from its start. */
export function createRunTimers({ order, clock, stop }: RunTimersDeps): RunTimers {
  const { idleMs } = order.task.limits;
  let total: NodeJS.Timeout | undefined;
  let idle: NodeJS.Timeout | undefined;
  return {
    start() {
      const { ms, isDeadline } = longestTime(order, clock.now());
      total = setTimeout(() => stop(isDeadline ? 'deadline' : 'timed-out'), ms);
      if (idleMs > 0) idle = setTimeout(() => stop('idle'), idleMs);
    },
    activity: () => void idle?.refresh(),
    stop() {
      clearTimeout(total);
      clearTimeout(idle);
      // A cleared timer that is refreshed would run again.
      idle = undefined;
    },
  };
}
