import type { Delivery } from '@moltbot/bus';
import { type Envelope, type ErrorCode, type Logger, MoltError, type RunOrder, type RunOutcome } from '@moltbot/shared';
import type { RunToken } from '@moltbot/store';
import { executeRun } from './execute-run.ts';
import type { RunDeps } from './run-deps.ts';
import { whileStoreIsDown } from './store-patience.ts';

/** A run that was claimed this often and never started takes its workers down with it, or is not to be run here. */
const claimsAtMost = 5;

/**
 * Hop 4: one delivered run, from its claim to its recorded end. The delivery is acked when the end is in the store, not before.
 * Never rejects for reasons of the run; rejects when the store refuses what it should take, and the delivery is then given back.
 */
export async function runToResult(delivery: Delivery, message: Envelope<'run'>, deps: RunDeps): Promise<void> {
  const order = message.body;
  const { runId, task, target } = order;
  const log = deps.log.child({
    task: task.id,
    run: runId,
    tenant: task.principal.tenant,
    trace: task.trace,
    target: target.name,
  });
  const { worker, leaseMs, store, clock } = deps;
  const start = startsAtOnce(order, deps);
  const request = { order, worker, leaseMs, redelivered: delivery.redelivered, publishedAt: message.at, start };
  const claim = await whileStoreIsDown(() => store.claimRun(request), clock);
  switch (claim.verdict) {
    case 'final':
      await delivery.ack();
      return;
    case 'busy':
      log.info({ retryAfterMs: claim.retryAfterMs }, 'another worker holds the run; looking again later');
      await delivery.delay('5s');
      return;
    case 'lost':
      await endLost(delivery, { token: claim.token, log }, deps);
      return;
    case 'run':
      if (claim.attempt > claimsAtMost && !start) await endUndeliverable(delivery, { token: claim.token, log }, deps);
      else await executeRun(delivery, { order, token: claim.token, isStarted: start, log }, deps);
  }
}

/** When nothing lies between the claim and the start, one step records both. */
function startsAtOnce({ task, target }: RunOrder, { plugins, transports }: RunDeps): boolean {
  const action = plugins.findAction(task.action);
  if (!action) return false;
  const transport = transports.find((offered) => offered.transport === target.transport);
  return action.effects !== 'by-exec' || (transport?.isReady(target) ?? false);
}

interface Held {
  readonly token: RunToken;
  readonly log: Logger;
}

async function endLost(delivery: Delivery, { token, log }: Held, deps: RunDeps): Promise<void> {
  const why = 'its worker was lost after the command may have started';
  await end(token, outcomeOf('unknown', 'MOLT_RUN_LOST', why), deps);
  log.warn({}, 'the worker of a started run is gone: its end is unknown');
  await delivery.ack();
}

async function endUndeliverable(delivery: Delivery, { token, log }: Held, deps: RunDeps): Promise<void> {
  const why = `claimed ${claimsAtMost} times, and no worker came to start it`;
  await end(token, outcomeOf('undeliverable', 'MOLT_RUN_UNDELIVERABLE', why), deps);
  log.error({}, why);
  await delivery.dead(why);
}

async function end(token: RunToken, outcome: RunOutcome, { store, clock, metrics }: RunDeps): Promise<void> {
  await whileStoreIsDown(() => store.finishRun(token, outcome), clock);
  metrics.finished(outcome);
}

function outcomeOf(state: RunOutcome['state'], code: ErrorCode, message: string): RunOutcome {
  const { remedy } = new MoltError(code, message);
  return { state, error: { code, message, remedy } };
}
