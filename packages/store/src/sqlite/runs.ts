import { isFinal, isLeased, isLegalRunMove, type RunOrder, type RunOutcome } from '@moltbot/shared';
import { nextFence } from '../fence.ts';
import { skipBytes } from '../output-chunks.ts';
import type { Claim, ClaimRequest, LeaseRenewal, MoveOutcome, OutputChunk, RunToken, Store } from '../port.ts';
import { storeOutput } from './output.ts';
import {
  type DoStep,
  insertRun,
  insertTask,
  type OpenTask,
  openTask,
  type RunRow,
  runRow,
  type Step,
  taskRow,
  writeRun,
} from './tables.ts';

type RunCalls = Pick<Store, 'claimRun' | 'startRun' | 'renewLeases' | 'releaseRun' | 'finishRun' | 'abandonRun'>;

export function createRunCalls(step: DoStep): RunCalls {
  return {
    claimRun: (request) => step((at) => claim(at, request)),
    startRun: (token) => step((at) => start(at, token)),
    renewLeases: (tokens, leaseMs) => step((at) => tokens.map((token) => renew(at, token, leaseMs))),
    releaseRun: (token) => step((at) => release(at, token)),
    finishRun: (token, outcome, rest) => step((at) => finish(at, { token, outcome, rest })),
    abandonRun: (order, outcome) => step((at) => abandon(at, order, outcome)),
  };
}

interface OpenRun {
  readonly task: OpenTask;
  readonly run: RunRow;
}

function openRun(step: Step, tenant: string, runId: string): OpenRun | undefined {
  const run = runRow(step.sql, tenant, runId);
  const row = run && taskRow(step.sql, tenant, run.task_id);
  return row && { run, task: openTask(step, row) };
}

/** The run of an order, its records made from the order when they are not there: the message wins. */
function openOrder(step: Step, order: RunOrder): OpenRun {
  const { tenant } = order.task.principal;
  const known = openRun(step, tenant, order.runId);
  if (known) return known;
  if (!taskRow(step.sql, tenant, order.task.id)) insertTask(step, order.task, undefined);
  insertRun(step.sql, order);
  const made = openRun(step, tenant, order.runId);
  if (!made) throw new Error(`${order.runId} was not made`);
  return made;
}

function claim(step: Step, { order, worker, leaseMs, start: startNow }: ClaimRequest): Claim {
  const { task, run } = openOrder(step, order);
  const { now } = step;
  if (isFinal(run.state)) return { verdict: 'final', state: run.state };
  const inForce = run.lease_until > now && (run.state === 'running' || run.worker !== worker);
  if (isLeased(run.state) && inForce) return { verdict: 'busy', retryAfterMs: run.lease_until - now };
  if (run.state === 'held') return { verdict: 'busy', retryAfterMs: leaseMs };
  if (run.state !== 'running' && task.row.cancel_requested === 1) {
    task.move(run, 'cancelled', { finished_at: now });
    task.save();
    return { verdict: 'final', state: 'cancelled' };
  }
  return take({ step, task, run, worker, leaseMs, startNow });
}

interface Taking extends OpenRun {
  readonly step: Step;
  readonly worker: string;
  readonly leaseMs: number;
  readonly startNow: boolean;
}

function take({ step, task, run, worker, leaseMs, startNow }: Taking): Claim {
  const lost = run.state === 'running';
  const fence = nextFence(run.fence, step.now);
  const attempt = run.attempts + (lost ? 0 : 1);
  const held = { fence, worker, lease_until: step.now + leaseMs, attempts: attempt };
  const claimed = run.state === 'queued' ? task.move(run, 'claimed', held) : { ...run, ...held };
  if (startNow && !lost) task.move(claimed, 'running', { started_at: step.now });
  else if (run.state !== 'queued') writeRun(step.sql, claimed);
  task.save();
  const token = { tenant: run.tenant, runId: run.id, fence };
  return { verdict: lost ? 'lost' : 'run', token, attempt };
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

/** The run, when the token's fence is its newest. */
function openHeld(step: Step, { tenant, runId, fence }: RunToken): OpenRun | undefined {
  const found = openRun(step, tenant, runId);
  return found?.run.fence === fence ? found : undefined;
}

function renew(step: Step, token: RunToken, leaseMs: number): LeaseRenewal {
  const found = openHeld(step, token);
  if (!found || !isLeased(found.run.state)) return { token, held: false, cancelRequested: false };
  writeRun(step.sql, { ...found.run, lease_until: step.now + leaseMs });
  return { token, held: true, cancelRequested: found.task.row.cancel_requested === 1 };
}

function release(step: Step, token: RunToken): MoveOutcome {
  const found = openHeld(step, token);
  if (!found) return 'fenced';
  const { task, run } = found;
  if (run.state !== 'claimed') return 'illegal';
  // A cancel that waited for this worker is done here: nobody has to claim the run only to end it.
  if (task.row.cancel_requested === 1) task.move(run, 'cancelled', { finished_at: step.now });
  else task.move(run, 'queued', { lease_until: 0, worker: null });
  task.save();
  return 'ok';
}

type Rest = { readonly at: number; readonly chunks: readonly OutputChunk[] } | undefined;

function finish(
  step: Step,
  { token, outcome, rest }: { readonly token: RunToken; readonly outcome: RunOutcome; readonly rest: Rest },
): MoveOutcome {
  const found = openHeld(step, token);
  if (!found) return 'fenced';
  const { task, run } = found;
  if (isFinal(run.state)) return run.state === outcome.state ? 'ok' : 'illegal';
  if (!isLegalRunMove(run.state, outcome.state)) return 'illegal';
  const withRest = rest ? storeRest(step, found, rest) : run;
  task.move(withRest, outcome.state, endFields(step, outcome, withRest));
  task.save();
  return 'ok';
}

/** Stores what is not stored yet. Bytes between that were lost show as `truncated`. */
function storeRest(step: Step, { task, run }: OpenRun, { at, chunks }: NonNullable<Rest>): RunRow {
  const stored = run.stdout_bytes + run.stderr_bytes;
  const next = storeOutput(step, task, { run, chunks: skipBytes(chunks, Math.max(0, stored - at)) });
  return at > stored ? { ...next, truncated: 1 } : next;
}

const endFields = ({ now }: Step, outcome: RunOutcome, run?: RunRow): Partial<RunRow> => ({
  exit_code: outcome.exitCode ?? null,
  signal: outcome.signal ?? null,
  error: outcome.error ? JSON.stringify(outcome.error) : null,
  truncated: outcome.truncated === true || run?.truncated === 1 ? 1 : 0,
  finished_at: now,
});

function abandon(step: Step, order: RunOrder, outcome: RunOutcome): MoveOutcome {
  const { task, run } = openOrder(step, order);
  if (run.state === outcome.state) return 'ok';
  const waiting = run.state === 'queued' || (run.state === 'claimed' && run.lease_until <= step.now);
  if (!waiting || !isLegalRunMove(run.state, outcome.state)) return 'illegal';
  task.move(run, outcome.state, { ...endFields(step, outcome), fence: nextFence(run.fence, step.now) });
  task.save();
  return 'ok';
}
