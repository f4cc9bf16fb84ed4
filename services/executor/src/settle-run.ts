import { delayRungs } from '@moltbot/bus';
import {
  type Envelope,
  envelope,
  type Logger,
  MoltError,
  type RunError,
  type RunOrder,
  type RunOutcome,
  replyPlatformOf,
  watchOf,
} from '@moltbot/shared';
import type { HeldRun, OutputRest } from '@moltbot/store';
import type { ActiveRun, RunMessage } from './active-runs.ts';
import { endToReply } from './end-to-reply.ts';
import type { GuardId } from './guarded-exec.ts';
import { whileStoreIsDown } from './outage-patience.ts';
import { afterAttempts, attemptsAtMost, rungAfter, type Safety } from './retry-policy.ts';
import type { RunDeps } from './run-deps.ts';
import { outcomeOf, type RunEnd } from './run-end.ts';

/** A run in hand, which leaves by one of the ways below: each settles its delivery last. */
export interface RunInHand {
  readonly order: RunOrder;
  readonly held: HeldRun;
  readonly safety: Safety;
  readonly active: ActiveRun;
  readonly log: Logger;
}

/** What goes to the store with the last step of a run. */
export interface Parting {
  readonly rest?: OutputRest | undefined;
  readonly guards?: readonly GuardId[];
  /** Seconds since its claim. */
  readonly seconds?: number;
  /** Its message is for people: it goes to the dead queue with this reason. */
  readonly deadBecause?: string;
}

/** Brings a run that ended here where its end says: to its record, to another attempt, or to another look. */
export async function settleEnd(run: RunInHand, { end, parting }: SettledEnd, deps: RunDeps): Promise<void> {
  const { outcome, next, wasSent } = end;
  if (next === 'later' && mayStillBeLearned(run, deps)) {
    await lookLater(run, parting, deps);
    return;
  }
  if (next === 'again') await retryOrFinish(run, { outcome, wasSent, parting }, deps);
  else await finish(run, outcome, parting, deps);
}

interface SettledEnd {
  readonly end: RunEnd;
  readonly parting: Parting;
}

function mayStillBeLearned({ order, held }: RunInHand, { clock, patience }: RunDeps): boolean {
  const startedAt = held.startedAt ?? clock.now();
  return clock.now() <= startedAt + order.task.limits.totalMs + patience.giveUpMs;
}

/** Records the end, tells the origin, and acks. */
export async function finish(run: RunInHand, outcome: RunOutcome, parting: Parting, deps: RunDeps): Promise<void> {
  const { order, active, log } = run;
  const { store, clock, metrics } = deps;
  const { state, exitCode, error } = outcome;
  const move = await whileStoreIsDown(() => store.finishRun(active.token, outcome, parting.rest), clock);
  log[move === 'illegal' ? 'error' : 'info']({ state, exitCode, code: error?.code, recorded: move }, 'run ended');
  if (move !== 'ok') {
    await leaveToOthers(run, move, deps);
    return;
  }
  metrics.finished(outcome, parting.seconds);
  const transport = deps.transports.find((offered) => offered.transport === order.target.transport);
  for (const guard of parting.guards ?? []) transport?.forget?.(order.target, guard);
  await conclude(run, deps, parting.deadBecause);
}

/** The end is in the store. */
async function conclude({ order, active }: RunInHand, deps: RunDeps, deadBecause?: string): Promise<void> {
  const isAnswered = replyPlatformOf(order.task.origin) === undefined || (await endToReply(order, deps));
  // Nobody may hand us a delivery of it any more.
  deps.runs.remove(active);
  if (!isAnswered) await active.delivery.requeue();
  else await (deadBecause === undefined ? active.delivery.ack() : active.delivery.dead(deadBecause));
}

interface Failure {
  /** Its end when it has had its attempts. */
  readonly outcome: RunOutcome;
  readonly wasSent: boolean;
  readonly parting: Parting;
}

/** Another attempt, after a pause that grows, while it may have one. */
export async function retryOrFinish(run: RunInHand, failure: Failure, deps: RunDeps): Promise<void> {
  const { order, held, log } = run;
  const { outcome, wasSent, parting } = failure;
  const { error } = outcome;
  if (!error || held.attempt >= attemptsAtMost(order, wasSent) || (wasSent && (await isCancelled(run, deps)))) {
    await finish(run, error ? { ...outcome, error: afterAttempts(error, held.attempt) } : outcome, parting, deps);
    return;
  }
  const rung = rungAfter(held.attempt);
  log.warn({ code: error.code, attempt: held.attempt, rung }, 'an attempt failed; another follows');
  const isQueued = await backToQueue(run, { error, delayMs: delayRungs[rung], rest: parting.rest }, deps);
  if (!isQueued) return;
  deps.metrics.retried(error.code);
  deps.runs.remove(run.active);
  const { delivery, message } = run.active;
  await delivery.delay(rung, message.kind === 'watch' ? runAgain(message) : undefined);
}

/** Nothing stands in the way of a start: the run travels as itself. */
const runAgain = ({ id, tenant, trace, at, body }: RunMessage): Envelope<'run'> =>
  envelope('run', { id, tenant, trace, at, body });

/** A command that was sent is not gone because its run may go back to the queue: its cancel is not for the store to grant. */
async function isCancelled({ active, held }: RunInHand, { store, clock, leaseMs }: RunDeps): Promise<boolean> {
  if (held.cancelRequested) return true;
  const [renewal] = await whileStoreIsDown(() => store.renewLeases([active.token], leaseMs), clock);
  return renewal?.cancelRequested ?? false;
}

interface Retry {
  readonly error: RunError;
  readonly delayMs: number;
  readonly rest?: OutputRest | undefined;
}

/** False when the run has left by another way. */
async function backToQueue(run: RunInHand, retry: Retry, deps: RunDeps): Promise<boolean> {
  const { store, clock, metrics } = deps;
  const move = await whileStoreIsDown(() => store.retryRun(run.active.token, retry), clock);
  // Illegal may mean: an earlier try was carried out though its answer was lost. The message stays, so nothing is.
  if (move === 'ok' || move === 'illegal') return true;
  if (move === 'fenced') {
    await leaveToOthers(run, move, deps);
    return false;
  }
  metrics.finished(outcomeOf('cancelled', 'MOLT_RUN_CANCELLED', 'cancelled between two attempts'));
  await conclude(run, deps);
  return false;
}

/** The command goes on, or may: whoever meets the watch message looks for it again. */
async function lookLater(run: RunInHand, { rest }: Parting, deps: RunDeps): Promise<void> {
  const { active, log } = run;
  const move = await whileStoreIsDown(() => deps.store.releaseRun(active.token, rest), deps.clock);
  log.warn({ recorded: move }, 'the target of a started run cannot be reached; looking again later');
  deps.runs.remove(active);
  await active.delivery.delay('30s', watchOf(active.message));
}

/**
 * The store does not take our word: another worker holds the run, or it has ended, or the store was emptied. The message stays
 * on the bus until a claim says which.
 */
async function leaveToOthers({ active }: RunInHand, why: 'fenced' | 'illegal', deps: RunDeps): Promise<void> {
  if (why === 'fenced') deps.metrics.fenced();
  deps.runs.remove(active);
  await active.delivery.delay('5s', watchOf(active.message));
}

export interface LettingGo {
  /** We were fenced off, and may not touch it. */
  readonly isFenced: boolean;
  /** Its start was recorded. */
  readonly isStarted: boolean;
  /** It may have reached the target. */
  readonly wasSent: boolean;
  readonly parting: Parting;
}

/**
 * Lets go of a run that has not ended. An unstarted or guarded one is for the next worker; any other that was started
 * cannot be followed, so that its end is unknown, unless it may run again.
 */
export async function letGo(run: RunInHand, how: LettingGo, deps: RunDeps): Promise<void> {
  const { active, safety, log } = run;
  const { isFenced, isStarted, wasSent, parting } = how;
  if (isFenced) {
    await leaveToOthers(run, 'fenced', deps);
    return;
  }
  if (safety === 'guarded' || !isStarted) {
    const move = await whileStoreIsDown(() => deps.store.releaseRun(active.token, parting.rest), deps.clock);
    log.info({ recorded: move }, 'handed a run over');
    await giveBack(active, deps);
    return;
  }
  const why = 'its executor stopped; the command goes on without it';
  const outcome = outcomeOf('unknown', 'MOLT_RUN_LOST', why);
  if (!wasSent) {
    const error = new MoltError('MOLT_SHUTTING_DOWN', 'its executor stopped before it was sent');
    const { code, message, remedy } = error;
    const isQueued = await backToQueue(run, { error: { code, message, remedy }, delayMs: 0, rest: parting.rest }, deps);
    if (isQueued) await giveBack(active, deps);
    return;
  }
  if (safety === 'again') await retryOrFinish(run, { outcome, wasSent, parting }, deps);
  else await finish(run, outcome, parting, deps);
}

async function giveBack(active: ActiveRun, { runs }: RunDeps): Promise<void> {
  runs.remove(active);
  await active.delivery.requeue();
}
