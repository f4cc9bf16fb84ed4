import {
  errorCatalog,
  isFinal,
  MoltError,
  newId,
  type RunOrder,
  type RunOutcome,
  type RunRecord,
  type RunState,
} from '@moltbot/shared';
import type { Claim, DeadLetter, HeldRun } from '@moltbot/store';
import type { DeadLetterDeps } from './dead-letters-port.ts';

/** A run whose message died. */
export interface DeadRun {
  readonly order: RunOrder;
  readonly letter: DeadLetter;
  /** Epoch ms of the message's first publication. */
  readonly publishedAt: number;
  readonly signal: AbortSignal;
}

/** What is left to do: keep the letter for people; nothing, as the run has its end; or leave it to the worker that has it. */
export type Fate = 'keep' | 'nothing' | 'with a worker';

type RunDeps = Pick<DeadLetterDeps, 'store' | 'clock'>;

/** Times a message is published again by itself. */
const resubmissions = 3;
const leaseMs = 30_000;
/** Leases of others that are waited out; one that is renewed by then is a living worker's. */
const leasesWaitedOut = 3;
const lastWaitMs = 60_000;

/** It died of being handed out too often, but no worker ever claimed its run: it waited beside another that is to blame. */
export async function isInnocent({ store }: RunDeps, { order, letter }: DeadRun): Promise<boolean> {
  if (letter.reason !== 'delivery_limit' || letter.resubmitted >= resubmissions) return false;
  const run = await recordOf({ store }, order);
  return run?.state === 'queued' && run.attempts === 0;
}

/**
 * Gives the run its end, when it has none: undeliverable when it never started, else unknown.
 * Without a record (the store was emptied) the store's own judgement of a redelivered message decides.
 * @throws MOLT_STORE_DOWN
 */
export async function endRun(deps: RunDeps, dead: DeadRun): Promise<Fate> {
  const { order, letter } = dead;
  const run = await recordOf(deps, order);
  if (run && isFinal(run.state)) return fateOf(run.state);
  if (run && (await deps.store.abandonRun(order, undeliverable(letter))) === 'ok') return 'keep';
  return takeOver(deps, dead);
}

async function takeOver(deps: RunDeps, dead: DeadRun): Promise<Fate> {
  const { store, clock } = deps;
  const { order, publishedAt, signal } = dead;
  const request = { order, publishedAt, worker: 'dead-letters', leaseMs, redelivered: true, start: false };
  for (let waited = 0; ; waited += 1) {
    const claim = await store.claimRun({ ...request, claimId: newId() });
    if (claim.verdict === 'final') return fateOf(claim.state);
    if (claim.verdict !== 'busy') return finish(deps, claim, dead);
    if (waited === leasesWaitedOut) return 'with a worker';
    await clock.sleep(Math.min(claim.retryAfterMs, lastWaitMs) + 1, signal);
  }
}

async function finish(
  { store }: RunDeps,
  { token, verdict }: Extract<Claim, HeldRun>,
  { order, letter }: DeadRun,
): Promise<Fate> {
  const moved = await store.finishRun(token, verdict === 'lost' ? unknown(letter) : undeliverable(letter));
  // Somebody else was quicker: the letter comes again, and is judged anew.
  if (moved !== 'ok') throw new MoltError('MOLT_INTERNAL', `the run ${order.runId} could not be ended: ${moved}`);
  return 'keep';
}

async function recordOf({ store }: Pick<RunDeps, 'store'>, order: RunOrder): Promise<RunRecord | undefined> {
  const runs = await store.getRuns(order.task.principal.tenant, order.task.id);
  return runs.find(({ id }) => id === order.runId);
}

/** A run that has a true end needs its message no more; one whose end is a question, or that never ran, does. */
const fateOf = (state: RunState): Fate => (state === 'unknown' || state === 'undeliverable' ? 'keep' : 'nothing');

const undeliverable = ({ id, reason }: DeadLetter): RunOutcome => ({
  state: 'undeliverable',
  error: {
    code: 'MOLT_RUN_UNDELIVERABLE',
    message: `its message died on the bus: ${reason}`,
    remedy: `Replay the dead letter ${id}, or drop it.`,
  },
});

const unknown = ({ reason }: DeadLetter): RunOutcome => ({
  state: 'unknown',
  error: {
    code: 'MOLT_RUN_LOST',
    message: `it may have started, and then its message died on the bus: ${reason}`,
    remedy: errorCatalog.MOLT_RUN_LOST.remedy,
  },
});
