import { z } from 'zod';
import type { JsonValue } from './json.ts';
import type { RunClass } from './run-class.ts';
import type { RunError } from './run-outcome.ts';
import type { RunState } from './run-state.ts';
import { Target } from './target.ts';
import { Task } from './task.ts';

/** One task on one target: all an executor needs, and all that is needed to make the records again. */
export interface RunOrder {
  readonly runId: string;
  /** 0-based place in the task. */
  readonly index: number;
  readonly target: Target;
  readonly task: Task;
}

export const RunOrder: z.ZodType<RunOrder> = z.strictObject({
  runId: z.string(),
  index: z.int().nonnegative(),
  target: Target,
  task: Task,
});

/** What the class of a task means on this target: nothing can be guarded where no record is kept. */
export const classOf = ({ task, target }: RunOrder): RunClass =>
  task.class === 'guarded' && target.guard === 'off' ? 'at-most-once' : task.class;

/** An attempt that another followed. */
export interface AttemptNote {
  readonly attempt: number;
  readonly error: RunError;
  /** Epoch ms. */
  readonly endedAt: number;
  /** Where each stream stood at its end: what follows is of the next attempt. */
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
}

/** What a person found out about a run that ended `unknown`. The state stays. */
export interface Resolution {
  /** `done`: it did what it should, or that does not matter any more. `rerun`: a new task does it again. */
  readonly as: 'done' | 'rerun';
  /** Id of the principal. */
  readonly by: string;
  /** Epoch ms. */
  readonly at: number;
  readonly note?: string | undefined;
  /** The task of the rerun. */
  readonly taskId?: string | undefined;
}

/** A run with where it stands. */
export interface RunRecord {
  readonly id: string;
  readonly index: number;
  readonly target: string;
  readonly state: RunState;
  /** Times a worker claimed it to run it. */
  readonly attempts: number;
  readonly worker?: string | undefined;
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  readonly error?: RunError | undefined;
  readonly truncated: boolean;
  /** What the action gave as data, once it has ended. */
  readonly data?: JsonValue | undefined;
  /** The attempts before this one. */
  readonly history: readonly AttemptNote[];
  /** Epoch ms of the next attempt, while it waits for it. */
  readonly retryAt?: number | undefined;
  readonly resolution?: Resolution | undefined;
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  /** Epoch ms of the moves to running and to a final state. */
  readonly startedAt?: number | undefined;
  readonly finishedAt?: number | undefined;
}
