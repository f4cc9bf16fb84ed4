import { z } from 'zod';
import { runStates } from './run-state.ts';
import { Task } from './task.ts';
import type { RunCounts, TaskState } from './task-state.ts';
import { taskStates } from './task-state.ts';

/** What goes back to the origin of a task when it has ended: all that is needed to say it, whatever became of the store. */
export interface Reply {
  readonly task: Task;
  readonly state: TaskState;
  readonly counts: RunCounts;
  /** Epoch ms. */
  readonly finishedAt: number;
  /** Tries to deliver it so far. */
  readonly tries: number;
}

/** Deterministic: whoever makes the reply of a task, and however often, it is one reply. */
export const replyIdOf = (taskId: string): string => `${taskId}.ended`;

export const Reply: z.ZodType<Reply> = z.strictObject({
  task: Task,
  state: z.enum(taskStates),
  counts: z.partialRecord(z.enum(runStates), z.int()),
  finishedAt: z.int(),
  tries: z.int().nonnegative(),
});
