import type { RunLimits } from '@moltbot/shared';
import type { StopReason } from './active-runs.ts';

export interface RunTimers {
  start(): void;
  /** A sign of life of the command: its silence begins anew. */
  activity(): void;
  stop(): void;
}

/** Watches the longest time and the longest silence of a run, from its start. */
export function createRunTimers({ totalMs, idleMs }: RunLimits, stop: (reason: StopReason) => void): RunTimers {
  let total: NodeJS.Timeout | undefined;
  let idle: NodeJS.Timeout | undefined;
  return {
    start() {
      total = setTimeout(() => stop('timed-out'), totalMs);
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
