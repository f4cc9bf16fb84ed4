import { z } from 'zod';
import { durationPattern } from './duration.ts';
import { Callback } from './origin.ts';
import { RunClass } from './run-class.ts';
import { Priority } from './task.ts';

/** What a person or a program asks for; the body of `POST /v1/tasks`. Durations are words: `"30s"`. */
export interface TaskRequest {
  readonly action: string;
  /** Checked against the action's own schema. Default `{}`. */
  readonly args: Readonly<Record<string, unknown>>;
  /** Target selector: `local`, `web-* env=prod !canary`. */
  readonly on: string;
  /** Of each run, from its start to its end. Default `executor.timeouts.total`. */
  readonly timeout?: string | undefined;
  /** Longest silence of the command. Default `executor.timeouts.idle`. */
  readonly idleTimeout?: string | undefined;
  /** Until the command may be sent. Default `executor.timeouts.connect`. */
  readonly connectTimeout?: string | undefined;
  /** Until the command starts; then it is given up. Default `executor.timeouts.queue`. */
  readonly queueTimeout?: string | undefined;
  /** From acceptance to the end of everything. Default: none. */
  readonly deadline?: string | undefined;
  /** What may be done when it is not known whether the command ran. Default: what the action says, `guarded` for most. */
  readonly class?: RunClass | undefined;
  /** Further attempts. Default 3 for `readonly` and `idempotent`, else 0. */
  readonly retries?: number | undefined;
  /** Posts the end of the task there. */
  readonly callback?: Callback | undefined;
  /** `batch` waits behind `interactive`. Default `interactive`. */
  readonly priority: Priority;
}

const duration = z.string().regex(durationPattern, 'write a number and a unit: 500ms, 30s, 5m, 1h30m');

/** What the wire may hold: defaults not filled in yet. */
export type TaskRequestInput = Pick<TaskRequest, 'action' | 'on'> & {
  readonly [K in keyof TaskRequest]?: TaskRequest[K] | undefined;
};

export const TaskRequest: z.ZodType<TaskRequest, TaskRequestInput> = z.strictObject({
  action: z.string().min(1).max(200).describe('Name of an action: GET /v1/actions lists them.'),
  args: z.record(z.string(), z.unknown()).default({}).describe('Arguments, as the action asks for them.'),
  on: z
    .string()
    .min(1)
    .max(512)
    .describe('Target selector: names, globs and labels. A space means and, a comma means or.'),
  timeout: duration.optional().describe('Longest time of each run, such as 30s.'),
  idleTimeout: duration.optional().describe('Longest silence of the command.'),
  connectTimeout: duration.optional().describe('Longest time until the command may be sent.'),
  queueTimeout: duration.optional().describe('Longest time until the command starts; then the run is expired.'),
  deadline: duration.optional().describe('Longest time from acceptance to the end of everything.'),
  class: RunClass.optional().describe(
    'readonly and idempotent may run again; guarded never starts twice; at-most-once ends unknown when in doubt.',
  ),
  retries: z.int().min(0).max(10).optional().describe('Further attempts of what is safe to repeat.'),
  callback: Callback.optional().describe('Posts the end of the task there, signed (Standard Webhooks).'),
  priority: Priority.default('interactive').describe('batch waits behind interactive.'),
});
