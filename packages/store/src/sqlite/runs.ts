import {
  type AttemptNote,
  isFinal,
  isLeased,
  isLegalRunMove,
  type Resolution,
  type RunError,
  type RunOutcome,
} from '@moltbot/shared';
import { nextFence } from '../fence.ts';
import { skipBytes } from '../output-chunks.ts';
import type { LeaseRenewal, MoveOutcome, OutputRest, RunToken, Store } from '../port.ts';
import { endFields, type OpenRun, openHeld, openRun } from './open-run.ts';
import { storeOutput } from './output.ts';
import { type DoStep, historyOf, type RunRow, runRow, type Step, writeRun } from './tables.ts';

type RunCalls = Pick<Store, 'startRun' | 'renewLeases' | 'releaseRun' | 'retryRun' | 'finishRun' | 'resolveRun'>;

export function createRunCalls(step: DoStep): RunCalls {
  return {
    startRun: (token) => step((at) => start(at, token)),
    renewLeases: (tokens, leaseMs) => step((at) => tokens.map((token) => renew(at, token, leaseMs))),
    releaseRun: (token, rest) => step((at) => release(at, token, rest)),
    retryRun: (token, retry) => step((at) => retryLater(at, token, retry)),
    finishRun: (token, outcome, rest) => step((at) => finish(at, { token, outcome, rest })),
    resolveRun: (tenant, runId, resolution) => step((at) => resolve(at, { tenant, runId, resolution })),
  };
}

function start(step: Step, token: RunToken): MoveOutcome | 'cancelled' {
  const found = openHeld(step, token);
  if (!found) return 'fenced';
  const { task, run } = found;
  if (run.state === 'cancelled') return 'cancelled';
  if (run.state !== 'claimed') return 'illegal';
  const cancelled = task.row.cancel_requested === 1;
  if (cancelled) task.move(run, 'cancelled', { finished_at: step.now });
  else task.move(run, 'running', { started_at: step.now });
  task.save();
  return cancelled ? 'cancelled' : 'ok';
}

function renew(step: Step, token: RunToken, leaseMs: number): LeaseRenewal {
  const found = openHeld(step, token);
  if (!found || !isLeased(found.run.state)) return { token, held: false, cancelRequested: false };
  writeRun(step.sql, { ...found.run, lease_until: step.now + leaseMs });
  return { token, held: true, cancelRequested: found.task.row.cancel_requested === 1 };
}

/** What is written when a holder lets go: it is fenced off, and a call that comes again finds how it went. */
const letGo = (run: RunRow, how: 'release' | 'retry' | 'cancel', { now }: Step): RunRow => ({
  ...run,
  fence: nextFence(run.fence, now),
  let_go: `${how} ${run.fence}`,
  lease_until: 0,
  claim: null,
});

function howLetGo({ sql }: Step, { tenant, runId, fence }: RunToken): string | undefined {
  const [how, under] = runRow(sql, tenant, runId)?.let_go?.split(' ') ?? [];
  return under === String(fence) ? how : undefined;
}

function release(step: Step, token: RunToken, rest: OutputRest | undefined): MoveOutcome {
  const found = openHeld(step, token);
  if (!found) return howLetGo(step, token) === 'release' ? 'ok' : 'fenced';
  const { task } = found;
  if (!isLeased(found.run.state)) return 'illegal';
  const run = letGo(storeRest(step, found, rest), 'release', step);
  if (run.state === 'running') writeRun(step.sql, run);
  // A cancel that waited for this worker is done here: nobody has to claim the run only to end it.
  else if (task.row.cancel_requested === 1) task.move(run, 'cancelled', { finished_at: step.now, worker: null });
  else task.move(run, 'queued', { worker: null });
  task.save();
  return 'ok';
}

function retryLater(
  step: Step,
  token: RunToken,
  {
    error,
    delayMs,
    rest,
  }: { readonly error: RunError; readonly delayMs: number; readonly rest?: OutputRest | undefined },
): MoveOutcome | 'cancelled' {
  const found = openHeld(step, token);
  if (!found) return repeatedRetry(howLetGo(step, token));
  const { task } = found;
  if (found.run.state === 'cancelled') return 'cancelled';
  if (!isLeased(found.run.state)) return 'illegal';
  const cancelled = task.row.cancel_requested === 1;
  const run = letGo(storeRest(step, found, rest), cancelled ? 'cancel' : 'retry', step);
  if (cancelled) {
    task.move(run, 'cancelled', { finished_at: step.now, worker: null });
  } else {
    const retryAt = step.now + delayMs;
    const history = JSON.stringify([...historyOf(run), noteOf(run, error, step)]);
    task.move(run, 'queued', { worker: null, started_at: null, history, retry_at: retryAt });
    task.emit({ kind: 'run', runId: run.id, state: 'queued', errorCode: error.code, retryAt });
  }
  task.save();
  return cancelled ? 'cancelled' : 'ok';
}

function repeatedRetry(how: string | undefined): MoveOutcome | 'cancelled' {
  if (how === 'cancel') return 'cancelled';
  return how === 'retry' ? 'ok' : 'fenced';
}

const noteOf = (run: RunRow, error: RunError, { now }: Step): AttemptNote => ({
  attempt: run.attempts,
  error,
  endedAt: now,
  stdoutBytes: run.stdout_bytes,
  stderrBytes: run.stderr_bytes,
});

function finish(
  step: Step,
  {
    token,
    outcome,
    rest,
  }: { readonly token: RunToken; readonly outcome: RunOutcome; readonly rest: OutputRest | undefined },
): MoveOutcome {
  const found = openHeld(step, token);
  if (!found) return 'fenced';
  const { task, run } = found;
  if (isFinal(run.state)) return run.state === outcome.state ? 'ok' : 'illegal';
  if (!isLegalRunMove(run.state, outcome.state)) return 'illegal';
  const withRest = storeRest(step, found, rest);
  task.move(withRest, outcome.state, endFields(step, outcome, withRest));
  task.save();
  return 'ok';
}

/** Stores what is not stored yet. Bytes between that were lost show as `truncated`. */
function storeRest(step: Step, { task, run }: OpenRun, rest: OutputRest | undefined): RunRow {
  if (!rest) return run;
  const stored = run.stdout_bytes + run.stderr_bytes;
  const next = storeOutput(step, task, { run, chunks: skipBytes(rest.chunks, Math.max(0, stored - rest.at)) });
  return rest.at > stored ? { ...next, truncated: 1 } : next;
}

function resolve(
  step: Step,
  { tenant, runId, resolution }: { readonly tenant: string; readonly runId: string; readonly resolution: Resolution },
): 'ok' | 'absent' | 'closed' {
  const found = openRun(step, tenant, runId);
  if (!found) return 'absent';
  const { task, run } = found;
  if (run.state !== 'unknown' || run.resolution !== null) return 'closed';
  writeRun(step.sql, { ...run, resolution: JSON.stringify(resolution) });
  task.emit({ kind: 'resolved', runId, as: resolution.as, by: resolution.by });
  task.save();
  return 'ok';
}
