import { isFinal, isLeased, isLegalRunMove, type RunOrder, type RunOutcome } from '@moltbot/shared';
import { nextFence } from '../fence.ts';
import { ofAttempt } from '../held-run.ts';
import type { Claim, ClaimRequest, HeldRun, MoveOutcome, Store } from '../port.ts';
import { endFields, type OpenRun, openRun } from './open-run.ts';
import { type DoStep, historyOf, insertRun, insertTask, type RunRow, type Step, taskRow, writeRun } from './tables.ts';

/** The calls that make the records of an order again when they are not there: the message wins. */
export const createClaimCalls = (step: DoStep, lostAfterMs: number): Pick<Store, 'claimRun' | 'abandonRun'> => ({
  claimRun: (request) =>
    step((at) => {
      const found = openOrder(at, request.order, lostAfterMs);
      // What was said of a learned run before is to be looked up first.
      return claim(at, found, { ...request, start: request.start && found.run.learned === 0 });
    }),
  abandonRun: (order, outcome) => step((at) => abandon(at, openOrder(at, order, lostAfterMs), outcome)),
});

function openOrder(step: Step, order: RunOrder, lostAfterMs: number): OpenRun {
  const { tenant } = order.task.principal;
  const known = openRun(step, tenant, order.runId);
  if (known) return known;
  if (!taskRow(step.sql, tenant, order.task.id))
    insertTask(step, order.task, { lookNotBefore: step.now + lostAfterMs });
  insertRun(step.sql, order, true);
  const made = openRun(step, tenant, order.runId);
  if (!made) throw new Error(`${order.runId} was not made`);
  return made;
}

function claim(step: Step, found: OpenRun, request: ClaimRequest): Claim {
  const { task, run } = found;
  const { now } = step;
  const cancelRequested = task.row.cancel_requested === 1;
  if (isFinal(run.state)) return { verdict: 'final', state: run.state };
  const again = repeated(run, request.claimId);
  const inForce = run.lease_until > now && (run.state === 'running' || run.worker !== request.worker);
  if (!again && isLeased(run.state) && inForce) {
    const runningMs = run.started_at === null ? 0 : now - run.started_at;
    return { verdict: 'busy', retryAfterMs: run.lease_until - now, cancelRequested, runningMs };
  }
  if (run.state === 'held') return { verdict: 'busy', retryAfterMs: request.leaseMs, cancelRequested, runningMs: 0 };
  if (cancelRequested && run.state !== 'running' && (again === undefined || request.start)) {
    task.move(run, 'cancelled', { finished_at: now });
    task.save();
    return { verdict: 'final', state: 'cancelled' };
  }
  return take(step, found, { ...request, again });
}

/** What the claim that holds the run was told, when it is this one. Whoever lets go of a run takes the claim away. */
function repeated(run: RunRow, claimId: string): 'run' | 'lost' | undefined {
  return (['run', 'lost'] as const).find((verdict) => run.claim === `${verdict} ${claimId}`);
}

function take(
  step: Step,
  { task, run }: OpenRun,
  { again, worker, leaseMs, claimId, start }: ClaimRequest & { readonly again: 'run' | 'lost' | undefined },
): Claim {
  const verdict = again ?? (run.state === 'running' ? 'lost' : 'run');
  const taken: RunRow = {
    ...run,
    fence: again ? run.fence : nextFence(run.fence, step.now),
    attempts: run.attempts + (again === undefined && verdict === 'run' ? 1 : 0),
    worker,
    lease_until: step.now + leaseMs,
    claim: `${verdict} ${claimId}`,
    retry_at: null,
  };
  const claimed = run.state === 'queued' ? task.move(taken, 'claimed') : taken;
  const startsNow = start && claimed.state === 'claimed';
  const held = startsNow ? task.move(claimed, 'running', { started_at: step.now }) : claimed;
  if (held === taken) writeRun(step.sql, taken);
  task.save();
  return { verdict, ...heldOf({ task, run: held }) };
}

function heldOf({ task, run }: OpenRun): HeldRun {
  const stored = { stdout: run.stdout_bytes, stderr: run.stderr_bytes };
  return {
    token: { tenant: run.tenant, runId: run.id, fence: run.fence },
    attempt: run.attempts,
    stored,
    ofAttempt: ofAttempt(stored, historyOf(run)),
    ...(run.started_at !== null && { startedAt: run.started_at }),
    cancelRequested: task.row.cancel_requested === 1,
    isLearned: run.learned === 1,
  };
}

function abandon(step: Step, { task, run }: OpenRun, outcome: RunOutcome): MoveOutcome {
  if (run.state === outcome.state) return 'ok';
  const waiting = run.state === 'queued' || (run.state === 'claimed' && run.lease_until <= step.now);
  if (!waiting || !isLegalRunMove(run.state, outcome.state)) return 'illegal';
  task.move(run, outcome.state, { ...endFields(step, outcome, run), fence: nextFence(run.fence, step.now) });
  task.save();
  return 'ok';
}
