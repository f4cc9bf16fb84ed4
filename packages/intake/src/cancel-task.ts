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

/** Cancels what waits, tells the workers of what runs, and sees to it that a worker that is gone is taken over. @throws MOLT_STORE_DOWN */
export async function cancelTask(deps: CancelDeps, { tenant, id }: Principal, taskId: string): Promise<CancelOutcome> {
  const outcome = await deps.store.requestCancel(tenant, taskId);
  deps.log.info({ task: taskId, tenant, principal: id, outcome: outcome.kind }, 'cancel asked for');
  if (outcome.kind !== 'requested') return outcome;
  if (isFinal(outcome.state)) await answerNow(deps, tenant, taskId);
  if (outcome.leased.length > 0) {
    // The broadcast only makes it quick: the workers learn of it with the renewal of their leases as well.
    const broadcast = deps.bus.broadcast(envelope('cancel', { tenant, trace: taskId, body: { taskId } }));
    await Promise.all([broadcast, ...outcome.leased.map((order) => watch(deps, order))]);
  }
  return outcome;
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
