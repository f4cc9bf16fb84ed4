import { classOf, type Logger, mayRunAgain, newId, type RunOrder, watchOf, withFields } from '@moltbot/shared';
import type { Claim, HeldRun } from '@moltbot/store';
import type { ActiveRun, Arrival } from './active-runs.ts';
import { endToReply } from './end-to-reply.ts';
import { executeRun } from './execute-run.ts';
import { createLeash, type Leash } from './leash.ts';
import { whileStoreIsDown } from './outage-patience.ts';
import { attemptsAtMost, safetyOf } from './retry-policy.ts';
import type { RunDeps } from './run-deps.ts';
import { errorOf, outcomeOf } from './run-end.ts';
import { finish, type RunInHand, retryOrFinish } from './settle-run.ts';
import { lateness } from './time-to-start.ts';

/** A run that was claimed this often past its attempts and never started takes its workers down, or is not to be run here. */
const claimsAtMost = 5;

/**
 * Hop 4: one delivered run, from its claim to its recorded end. The delivery is acked when the end is in the store, not before.
 * Never rejects for reasons of the run; rejects when the store refuses what it should take, and the delivery is then given back.
 */
export async function runToResult(arrival: Arrival, deps: RunDeps): Promise<void> {
  const { delivery, message } = arrival;
  const order = message.body;
  const { worker, leaseMs, store, clock } = deps;
  const late = lateness(order, clock.now());
  const start = !late && startsAtOnce(order, deps);
  // What may run again need not fear that a store lost its record.
  const redelivered = (delivery.redelivered || message.kind === 'watch') && !mayRunAgain(classOf(order));
  const request = { order, worker, leaseMs, redelivered, publishedAt: message.at, claimId: newId(), start };
  const leaseUntil = clock.monotonic() + leaseMs;
  const claim = await whileStoreIsDown(() => store.claimRun(request), clock);
  const log = logOf(order, deps.log);
  if (claim.verdict === 'final') {
    const isAnswered = await endToReply(order, deps);
    await (isAnswered ? delivery.ack() : delivery.requeue());
  } else if (claim.verdict === 'busy') {
    await lookAgain(arrival, claim, { log, watchAfterMs: deps.watchAfterMs });
  } else {
    const { run, leash } = takeInHand(arrival, { order, held: claim, leaseUntil, log }, deps);
    const isStarted = start && !claim.isLearned;
    if (claim.verdict === 'lost') await endOrTakeOver(run, leash, deps);
    else if (late) await finish(run, { state: 'expired', error: errorOf(late) }, {}, deps);
    else if (isPoison(run) && !isStarted) await endUndeliverable(run, deps);
    else await executeRun(run, { leash, isStarted, isTakeOver: false }, deps);
  }
}

const logOf = ({ runId, task, target }: RunOrder, log: Logger): Logger =>
  withFields(log, { task: task.id, run: runId, tenant: task.principal.tenant, trace: task.trace, target: target.name });

/** When nothing lies between the claim and the start, one step records both. */
function startsAtOnce({ task, target }: RunOrder, { plugins, transports }: RunDeps): boolean {
  const action = plugins.findAction(task.action);
  if (!action) return false;
  const transport = transports.find((offered) => offered.transport === target.transport);
  return action.effects !== 'by-exec' || (transport?.isReady(target) ?? false);
}

/**
 * Another worker holds it. From now on a watch message stands for it here: what it comes back to may have been started.
 * The watch message of a long run goes round slowly; any other is here because its worker may be gone.
 */
async function lookAgain(
  { delivery, message }: Arrival,
  busy: Extract<Claim, { verdict: 'busy' }>,
  { log, watchAfterMs }: { readonly log: Logger; readonly watchAfterMs: number },
): Promise<void> {
  log.info({ retryAfterMs: busy.retryAfterMs }, 'another worker holds the run; looking again later');
  const isPressing = message.kind === 'run' || busy.cancelRequested || busy.runningMs < watchAfterMs;
  await delivery.delay(isPressing ? '5s' : '30s', watchOf(message));
}

interface Taken {
  readonly order: RunOrder;
  readonly held: HeldRun;
  /** Monotonic ms. */
  readonly leaseUntil: number;
  readonly log: Logger;
}

function takeInHand(
  { delivery, message, at }: Arrival,
  { order, held, leaseUntil, log }: Taken,
  { plugins }: RunDeps,
): { readonly run: RunInHand; readonly leash: Leash } {
  const leash = createLeash();
  const active: ActiveRun = {
    ...{ token: held.token, message, since: at, delivery, isWatched: false, leaseUntil, stop: leash.stop },
  };
  const safety = safetyOf(order, plugins.findAction(order.task.action));
  return { leash, run: { order, held, safety, active, log } };
}

/** Its worker is gone, after the command may have started. */
async function endOrTakeOver(run: RunInHand, leash: Leash, deps: RunDeps): Promise<void> {
  const { safety, held, log } = run;
  if (safety === 'guarded') {
    log.warn({ stored: held.ofAttempt }, 'the worker of a started run is gone: taking it over');
    deps.metrics.tookOver();
    await executeRun(run, { leash, isStarted: true, isTakeOver: true }, deps);
    return;
  }
  log.warn({ safety }, 'the worker of a started run is gone, and its end with it');
  const outcome = outcomeOf('unknown', 'MOLT_RUN_LOST', 'its worker was lost after the command may have started');
  if (safety === 'again') await retryOrFinish(run, { outcome, wasSent: true, parting: {} }, deps);
  else await finish(run, outcome, {}, deps);
}

const isPoison = ({ order, held, safety }: RunInHand): boolean =>
  held.attempt >= claimsAtMost + attemptsAtMost(order, safety === 'again');

async function endUndeliverable(run: RunInHand, deps: RunDeps): Promise<void> {
  const why = `claimed ${run.held.attempt - 1} times, and no worker came to start it`;
  run.log.error({}, why);
  const outcome = outcomeOf('undeliverable', 'MOLT_RUN_UNDELIVERABLE', why);
  await finish(run, outcome, { deadBecause: why }, deps);
}
