import type { Bus } from '@moltbot/bus';
import { envelope, isFinal, type Logger, type Principal, type RunOrder, replyPlatformOf } from '@moltbot/shared';
import type { CancelOutcome, Store } from '@moltbot/store';
import { answerTasks } from './maintenance/answer-ended.ts';
import { queueOf } from './publish-orders.ts';

export interface CancelDeps {
  readonly bus: Bus;
  readonly store: Store;
  readonly log: Logger;
}

/**
 * Cancels what waits, tells the workers of what runs, and sees to it that a worker that is gone is taken over. The bus keeps the
 * word: a store that is emptied forgets it, and the messages of what waited are still there. @throws MOLT_STORE_DOWN
 */
export async function cancelTask(deps: CancelDeps, { tenant, id }: Principal, taskId: string): Promise<CancelOutcome> {
  const outcome = await deps.store.requestCancel(tenant, taskId);
  deps.log.info({ task: taskId, tenant, principal: id, outcome: outcome.kind }, 'cancel asked for');
  if (outcome.kind === 'requested') {
    const answered = isFinal(outcome.state) ? answerNow(deps, tenant, taskId) : undefined;
    await Promise.all([tellAll(deps, tenant, taskId), answered, ...outcome.leased.map((order) => watch(deps, order))]);
  } else if (outcome.kind === 'final' && outcome.cancelRequested) {
    // It may be asked for again because its word did not reach the bus.
    await tellAll(deps, tenant, taskId);
  }
  return outcome;
}

/** Workers learn of it with the renewal of their leases as well, and from the store when they claim: this is quick, and is kept. */
async function tellAll({ bus, log }: CancelDeps, tenant: string, taskId: string): Promise<void> {
  const outcome = await bus.broadcast(envelope('cancel', { tenant, trace: taskId, body: { taskId } }));
  if (outcome !== 'ok') log.warn({ task: taskId, tenant, outcome }, 'a cancel is kept by the store alone');
}

/** A worker that is frozen or gone hears nothing: whoever meets this when its lease is over ends the run. */
async function watch({ bus, log }: CancelDeps, order: RunOrder): Promise<void> {
  const { task, runId: id } = order;
  const { principal, trace, acceptedAt: at } = task;
  const message = envelope('watch', { id, tenant: principal.tenant, trace, at, body: order });
  const outcome = await bus.publish(message, { queue: queueOf(order), delay: '5s' });
  if (outcome !== 'ok')
    log.warn({ run: id, tenant: principal.tenant, outcome }, 'no watch could be set over a cancelled run');
}

/** Only makes it quick: maintenance answers as well. */
async function answerNow(deps: CancelDeps, tenant: string, taskId: string): Promise<void> {
  try {
    const record = await deps.store.getTask(tenant, taskId);
    if (record && replyPlatformOf(record.task.origin)) await answerTasks(deps, tenant, [record]);
  } catch (err) {
    deps.log.warn({ err, task: taskId, tenant }, 'the answer of a cancelled task is left to maintenance');
  }
}
