import { z } from 'zod';
import { type ErrorCode, errorCodes } from './error-catalog.ts';
import { JsonValue } from './json.ts';
import type { RunState } from './run-state.ts';

/** Why a run did not do what it should, for people and machines. */
export interface RunError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly remedy: string;
}

/** How one attempt ended. `exitCode` and `signal` are there when a process ended; `error` when more is to be said. */
export interface RunOutcome {
  readonly state: Extract<
    RunState,
    'succeeded' | 'failed' | 'timed-out' | 'cancelled' | 'unknown' | 'undeliverable' | 'expired'
  >;
  readonly exitCode?: number | undefined;
  /** Name without SIG, as RFC 4254 §6.10 has it: `TERM`, `KILL`. */
  readonly signal?: string | undefined;
  readonly error?: RunError | undefined;
  /** True when output beyond the cap was dropped. */
  readonly truncated?: boolean | undefined;
  /** What the action gave as data. */
  readonly data?: JsonValue | undefined;
}

export const RunError: z.ZodType<RunError> = z.strictObject({
  code: z.enum(errorCodes),
  message: z.string(),
  remedy: z.string(),
});

export const RunOutcome: z.ZodType<RunOutcome> = z.strictObject({
  state: z.enum(['succeeded', 'failed', 'timed-out', 'cancelled', 'unknown', 'undeliverable', 'expired']),
  exitCode: z.int().optional(),
  signal: z.string().optional(),
  error: RunError.optional(),
  truncated: z.boolean().optional(),
  data: JsonValue.optional(),
});
