import { once } from 'node:events';
import { MoltError } from '@moltbot/shared';
import { assureLease } from './lease-keeper.ts';
import type { Leash } from './leash.ts';
import { orderToOutcome } from './order-to-outcome.ts';
import { whileBusIsDown, whileStoreIsDown } from './outage-patience.ts';
import { createOutputWriter } from './output-writer.ts';
import type { RunDeps } from './run-deps.ts';
import { createRunTimers } from './run-timers.ts';
import { letGo, type RunInHand, settleEnd } from './settle-run.ts';
import { lateness } from './time-to-start.ts';

export interface Executing {
  readonly leash: Leash;
  /** The start is recorded: the claim did it, or another worker. */
  readonly isStarted: boolean;
  /** Another worker may have sent it. */
  readonly isTakeOver: boolean;
}

/** Runs what was claimed, and settles its delivery once the end is recorded. */
export async function executeRun(run: RunInHand, executing: Executing, deps: RunDeps): Promise<void> {
  const { order, held, active, log, safety } = run;
  const { leash, isStarted, isTakeOver } = executing;
  const { store, clock, runs } = deps;
  const capBytes = order.task.limits.outputBytes;
  const storedBytes = held.stored.stdout + held.stored.stderr;
  const onFenced = (): void => leash.stop('fenced');
  const output = createOutputWriter({ store, clock, token: held.token, capBytes, storedBytes, onFenced });
  const timers = createRunTimers({ order, clock, stop: leash.stop });
  const progress = { isStarted, wasSent: isTakeOver };
  const start = async (): Promise<void> => {
    leash.assertAttached();
    if (!progress.isStarted) {
      await recordStart(run, deps);
      progress.isStarted = true;
    }
    if (clock.monotonic() >= active.leaseUntil) await assureLease(active, deps);
    leash.assertAttached();
    progress.wasSent = true;
    timers.start();
  };
  runs.add(active);
  if (held.cancelRequested) leash.stop('cancelled');
  if (deps.stopping.aborted) leash.stop('handed-over');
  const claimedAt = clock.monotonic();
  try {
    if (held.isLearned) await recallCancel(run, leash, deps);
    const ended = orderToOutcome(order, {
      ...deps,
      ...{ output, log, start, safety, signal: leash.signal, release: leash.release },
      ...{ held: { ...held, isTakeOver }, ...deps.patience },
      onOutput(bytes) {
        timers.activity();
        deps.collectAfter(bytes);
      },
    });
    const end = await Promise.race([ended, leash.detached]);
    timers.stop();
    const rest = await output.end();
    if (!end) {
      await letGo(run, { ...progress, isFenced: leash.release.reason === 'fenced', parting: { rest } }, deps);
      return;
    }
    const kept = output.truncated() ? { ...end, outcome: { ...end.outcome, truncated: true } } : end;
    const seconds = (clock.monotonic() - claimedAt) / 1_000;
    await settleEnd(run, { end: kept, parting: { rest, guards: end.guards, seconds } }, deps);
    const keepsRecord = safety === 'guarded' && progress.wasSent && kept.outcome.error?.code !== 'MOLT_NO_GUARD';
    if (keepsRecord) deps.leftovers.note(order);
  } catch (error) {
    // The delivery that it came with may have been replaced.
    runs.remove(active);
    await active.delivery.requeue();
    throw error;
  } finally {
    timers.stop();
    runs.remove(active);
  }
}

/** A store that has lost the record of a run has lost its cancel as well. The bus has not: what was cancelled must not start. */
async function recallCancel({ order, log }: RunInHand, leash: Leash, deps: RunDeps): Promise<void> {
  const { store, clock, forgottenCancels } = deps;
  const { task } = order;
  const isOver = AbortSignal.any([leash.signal, leash.release]);
  if (isOver.aborted) return;
  const asked = whileBusIsDown(() => forgottenCancels.has(task), clock, isOver).catch((error: unknown) => {
    if (!isOver.aborted) throw error;
  });
  const wasCancelled = await Promise.race([asked, once(isOver, 'abort')]);
  if (wasCancelled !== true) return;
  log.warn({}, 'the store had forgotten that this was cancelled');
  await whileStoreIsDown(() => store.requestCancel(task.principal.tenant, task.id), clock);
  leash.stop('cancelled');
}

/** claimed → running, before anything of the run can happen. @throws when it must not happen any more */
async function recordStart({ active, order }: RunInHand, { store, clock }: RunDeps): Promise<void> {
  const late = lateness(order, clock.now());
  if (late) throw late;
  const move = await whileStoreIsDown(() => store.startRun(active.token), clock);
  if (move === 'ok') return;
  active.stop(move === 'cancelled' ? 'cancelled' : 'fenced');
  throw new MoltError(move === 'cancelled' ? 'MOLT_RUN_CANCELLED' : 'MOLT_RUN_LOST', `the run may not start: ${move}`);
}
