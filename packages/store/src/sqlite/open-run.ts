import type { RunOutcome } from '@moltbot/shared';
import type { RunToken } from '../port.ts';
import { type OpenTask, openTask, type RunRow, runRow, type Step, taskRow } from './tables.ts';

/** A run that is being moved, with its task. */
export interface OpenRun {
  readonly task: OpenTask;
  readonly run: RunRow;
}

export function openRun(step: Step, tenant: string, runId: string): OpenRun | undefined {
  const run = runRow(step.sql, tenant, runId);
  const row = run && taskRow(step.sql, tenant, run.task_id);
  return row && { run, task: openTask(step, row) };
}

/** The run, when the token's fence is its newest. */
export function openHeld(step: Step, { tenant, runId, fence }: RunToken): OpenRun | undefined {
  const found = openRun(step, tenant, runId);
  return found?.run.fence === fence ? found : undefined;
}

/** The fields of a run that an outcome ends. */
export const endFields = ({ now }: Step, outcome: RunOutcome, run: RunRow): Partial<RunRow> => ({
  exit_code: outcome.exitCode ?? null,
  signal: outcome.signal ?? null,
  error: outcome.error ? JSON.stringify(outcome.error) : null,
  data: outcome.data === undefined ? null : JSON.stringify(outcome.data),
  truncated: outcome.truncated === true || run.truncated === 1 ? 1 : 0,
  finished_at: now,
});
