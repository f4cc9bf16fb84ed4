import type { Delivery } from '@moltbot/bus';
import { taskIdOf } from '@moltbot/shared';
import type { RunToken } from '@moltbot/store';

/** Why a run of ours is told to end. */
export type StopReason = 'cancelled' | 'timed-out' | 'idle' | 'fenced' | 'handed-over';

/** A run this process holds, from its claim to its end. */
export interface ActiveRun {
  readonly token: RunToken;
  /** The delivery to settle; a later one of the same message takes its place when the link broke in between. */
  delivery: Delivery;
  stop(reason: StopReason): void;
}

export interface ActiveRuns {
  add(run: ActiveRun): void;
  remove(runId: string): void;
  get(runId: string): ActiveRun | undefined;
  all(): readonly ActiveRun[];
  /** Stops what runs of a task. */
  stopTask(taskId: string, reason: StopReason): void;
}

export function createActiveRuns(): ActiveRuns {
  const runs = new Map<string, ActiveRun>();
  return {
    add: (run) => void runs.set(run.token.runId, run),
    remove: (runId) => void runs.delete(runId),
    get: (runId) => runs.get(runId),
    all: () => [...runs.values()],
    stopTask(taskId, reason) {
      for (const run of runs.values()) if (taskIdOf(run.token.runId) === taskId) run.stop(reason);
    },
  };
}
