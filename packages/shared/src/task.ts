import { z } from 'zod';
import { Origin } from './origin.ts';
import { Principal } from './principal.ts';
import { RunClass } from './run-class.ts';
import type { RunCounts, TaskState } from './task-state.ts';

export type Priority = 'interactive' | 'batch';
export const Priority: z.ZodType<Priority, Priority> = z.enum(['interactive', 'batch']);

/** How long each phase of a run may take, in ms; `idleMs` 0 means no limit on silence. */
export interface RunLimits {
  readonly connectMs: number;
  readonly idleMs: number;
  readonly totalMs: number;
  /** From acceptance to the start; 0 for no limit. */
  readonly queueMs: number;
  /** From acceptance to the end, whatever lies between; 0 for no limit. */
  readonly deadlineMs: number;
  /** Bytes of stdout and stderr together that are kept; the rest is dropped and said. */
  readonly outputBytes: number;
}

/** What was accepted; never changes. */
export interface Task {
  readonly id: string;
  readonly action: string;
  readonly args: unknown;
  /** The selector as it was written. */
  readonly on: string;
  readonly priority: Priority;
  readonly limits: RunLimits;
  readonly class: RunClass;
  /** Further attempts after what is safe to repeat (see `mayRunAgain`; and whatever failed before the command was sent). */
  readonly retries: number;
  readonly principal: Principal;
  readonly origin: Origin;
  /** Epoch ms. */
  readonly acceptedAt: number;
  /** Joins the logs of every hop. */
  readonly trace: string;
  /** Number of runs, one a target. */
  readonly runs: number;
}

/** A task with where it stands. */
export interface TaskRecord {
  readonly task: Task;
  readonly state: TaskState;
  readonly counts: RunCounts;
  readonly cancelRequested: boolean;
  readonly finishedAt?: number | undefined;
}

export const RunLimits: z.ZodType<RunLimits> = z.strictObject({
  connectMs: z.int().positive(),
  idleMs: z.int().nonnegative(),
  totalMs: z.int().positive(),
  queueMs: z.int().nonnegative(),
  deadlineMs: z.int().nonnegative(),
  outputBytes: z.int().positive(),
});

export const Task: z.ZodType<Task> = z.strictObject({
  id: z.uuid(),
  action: z.string(),
  args: z.unknown(),
  on: z.string(),
  priority: Priority,
  limits: RunLimits,
  class: RunClass,
  retries: z.int().nonnegative(),
  principal: Principal,
  origin: Origin,
  acceptedAt: z.int(),
  trace: z.string(),
  runs: z.int().positive(),
});
