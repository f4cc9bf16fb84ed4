import type { Delivery } from '@moltbot/bus';
import { type Envelope, taskIdOf } from '@moltbot/shared';
import type { RunToken } from '@moltbot/store';

/** Why a run of ours is told to end, or is let go. */
export type StopReason = 'cancelled' | 'timed-out' | 'deadline' | 'idle' | 'fenced' | 'handed-over';

/** A message that brings a run: itself, or one that stands for it. */
export type RunMessage = Envelope<'run' | 'watch'>;

/** A run as it was handed to us. */
export interface Arrival {
  readonly delivery: Delivery;
  readonly message: RunMessage;
  /** Monotonic ms. */
  readonly at: number;
}

/** A run this process holds, from its claim to its end. */
export interface ActiveRun {
  readonly token: RunToken;
  readonly message: RunMessage;
  /** Monotonic ms of its first delivery here. */
  readonly since: number;
  /** The delivery to settle; a later one of the same message takes its place when the link broke in between. */
  delivery: Delivery;
  /** A watch message stands for it on the bus, and its delivery is settled. */
  isWatched: boolean;
  /** Monotonic ms until which its lease is certainly in force. */
  leaseUntil: number;
  stop(reason: StopReason): void;
}

export interface ActiveRuns {
  add(run: ActiveRun): void;
  /** Does nothing when another claim of the same run has taken its place. */
  remove(run: ActiveRun): void;
  get(runId: string): ActiveRun | undefined;
  all(): readonly ActiveRun[];
  /** Stops what runs of a task. */
  stopTask(taskId: string, reason: StopReason): void;
}

export function createActiveRuns(): ActiveRuns {
  const runs = new Map<string, ActiveRun>();
  return {
    add: (run) => void runs.set(run.token.runId, run),
    remove(run) {
      if (runs.get(run.token.runId) === run) runs.delete(run.token.runId);
    },
    get: (runId) => runs.get(runId),
    all: () => [...runs.values()],
    stopTask(taskId, reason) {
      for (const run of runs.values()) if (taskIdOf(run.token.runId) === taskId) run.stop(reason);
    },
  };
}
