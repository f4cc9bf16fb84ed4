import { z } from 'zod';
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
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  /** Epoch ms of the moves to running and to a final state. */
  readonly startedAt?: number | undefined;
  readonly finishedAt?: number | undefined;
}
