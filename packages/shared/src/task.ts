import { z } from 'zod';
import { Origin } from './origin.ts';
import { Principal } from './principal.ts';
import type { RunCounts, TaskState } from './task-state.ts';

export type Priority = 'interactive' | 'batch';
export const Priority: z.ZodType<Priority, Priority> = z.enum(['interactive', 'batch']);

/** How long each phase of a run may take, in ms; `idle` 0 means no limit on silence. */
export interface RunLimits {
  readonly connectMs: number;
  readonly idleMs: number;
  readonly totalMs: number;
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
  outputBytes: z.int().positive(),
});

export const Task: z.ZodType<Task> = z.strictObject({
  id: z.uuid(),
  action: z.string(),
  args: z.unknown(),
  on: z.string(),
  priority: Priority,
  limits: RunLimits,
  principal: Principal,
  origin: Origin,
  acceptedAt: z.int(),
  trace: z.string(),
  runs: z.int().positive(),
});
