import type { Delivery } from '@moltbot/bus';
import { type Logger, MoltError, type RunOrder, type RunOutcome } from '@moltbot/shared';
import type { RunToken } from '@moltbot/store';
import type { ActiveRun, StopReason } from './active-runs.ts';
import { orderToOutcome } from './order-to-outcome.ts';
import { createOutputWriter, type OutputRest, type OutputWriter } from './output-writer.ts';
import type { RunDeps } from './run-deps.ts';
import { createRunTimers } from './run-timers.ts';
import { whileStoreIsDown } from './store-patience.ts';

interface Claimed {
  readonly order: RunOrder;
  readonly token: RunToken;
  /** The claim has recorded the start already. */
  readonly isStarted: boolean;
  readonly log: Logger;
}

/** Runs what was claimed, and settles its delivery once the end is recorded. */
export async function executeRun(delivery: Delivery, claimed: Claimed, deps: RunDeps): Promise<void> {
  const { order, token, isStarted, log } = claimed;
  const { store, clock, runs, metrics } = deps;
  const leash = createLeash();
  const active: ActiveRun = { token, delivery, stop: leash.stop };
  const capBytes = order.task.limits.outputBytes;
  const output = createOutputWriter({ store, clock, token, capBytes, onFenced: () => leash.stop('fenced') });
  const timers = createRunTimers(order.task.limits, leash.stop);
  const start = async (): Promise<void> => {
    leash.assertAttached();
    if (!isStarted) await recordStart(active, deps);
    leash.assertAttached();
    timers.start();
  };
  runs.add(active);
  const claimedAt = clock.monotonic();
  try {
    const ended = orderToOutcome(order, {
      ...deps,
      output,
      log,
      start,
      signal: leash.signal,
      release: leash.release,
      onOutput(bytes) {
        timers.activity();
        deps.collectAfter(bytes);
      },
    });
    const outcome = await Promise.race([ended, leash.detached]);
    timers.stop();
    await recordEnd(active, { outcome, output, log }, deps);
    if (outcome) metrics.finished(outcome, (clock.monotonic() - claimedAt) / 1_000);
  } catch (error) {
    // The delivery that it came with may have been replaced.
    runs.remove(token.runId);
    await active.delivery.requeue();
    throw error;
  } finally {
    timers.stop();
    runs.remove(token.runId);
  }
}

interface Leash {
  /** Aborts with the reason when the command has to end. */
  readonly signal: AbortSignal;
  /** Aborts when we let go of the run, and its command goes on without us. */
  readonly release: AbortSignal;
  /** Resolves when `release` aborts. */
  readonly detached: Promise<undefined>;
  readonly stop: (reason: StopReason) => void;
  /** @throws MOLT_SHUTTING_DOWN once detached: what has not started must not start any more */
  readonly assertAttached: () => void;
}

function createLeash(): Leash {
  const control = new AbortController();
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const release = new AbortController();
  return {
    signal: control.signal,
    release: release.signal,
    detached: promise,
    stop(reason) {
      if (reason === 'fenced' || reason === 'handed-over') {
        release.abort();
        resolve(undefined);
      } else if (!control.signal.aborted) {
        control.abort(reason);
      }
    },
    assertAttached() {
      if (release.signal.aborted)
        throw new MoltError('MOLT_SHUTTING_DOWN', 'the worker let go of the run before it started');
    },
  };
}

/** claimed → running, before anything of the run can happen. @throws when it must not happen any more */
async function recordStart(active: ActiveRun, { store, clock }: RunDeps): Promise<void> {
  const move = await whileStoreIsDown(() => store.startRun(active.token), clock);
  if (move === 'ok') return;
  active.stop(move === 'cancelled' ? 'cancelled' : 'fenced');
  throw new MoltError(move === 'cancelled' ? 'MOLT_RUN_CANCELLED' : 'MOLT_RUN_LOST', `the run may not start: ${move}`);
}

interface End {
  /** Absent when we were detached. */
  readonly outcome: RunOutcome | undefined;
  readonly output: OutputWriter;
  readonly log: Logger;
}

async function recordEnd(active: ActiveRun, { outcome, output, log }: End, deps: RunDeps): Promise<void> {
  const { store, clock } = deps;
  const rest = await output.end();
  if (!outcome) {
    await letGo(active, { log, rest }, deps);
    return;
  }
  const kept = output.truncated() ? { ...outcome, truncated: true } : outcome;
  const move = await whileStoreIsDown(() => store.finishRun(active.token, kept, rest), clock);
  const { state, exitCode, error } = kept;
  log[move === 'illegal' ? 'error' : 'info']({ state, exitCode, code: error?.code, recorded: move }, 'run ended');
  // Nobody may hand us a delivery of it any more.
  deps.runs.remove(active.token.runId);
  await active.delivery.ack();
}

/** Gives an unstarted run to the next worker; a started one cannot be followed by another worker, so its end is unknown. */
async function letGo(
  active: ActiveRun,
  { log, rest }: { readonly log: Logger; readonly rest: OutputRest },
  { store, clock, runs }: RunDeps,
): Promise<void> {
  const { token } = active;
  const released = await whileStoreIsDown(() => store.releaseRun(token), clock);
  if (released === 'ok') {
    runs.remove(token.runId);
    await active.delivery.requeue();
    return;
  }
  const { code, message, remedy } = new MoltError(
    'MOLT_RUN_LOST',
    'its executor stopped; the command goes on without it',
  );
  const move = await whileStoreIsDown(
    () => store.finishRun(token, { state: 'unknown', error: { code, message, remedy } }, rest),
    clock,
  );
  log.warn({ recorded: move }, 'let go of a started run');
  runs.remove(token.runId);
  await active.delivery.ack();
}
