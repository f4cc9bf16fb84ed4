import type { Bus, PublishOutcome, RunQueueRef } from '@moltbot/bus';
import { envelope, type RunOrder } from '@moltbot/shared';

export const queueOf = ({ target, task }: RunOrder): RunQueueRef => ({
  kind: 'runs',
  pool: target.pool,
  tenant: task.principal.tenant,
  priority: task.priority,
});

/**
 * Publishes every run of a task; the message id is the run id, so that publishing again is recognised.
 * Resolves to the first outcome that is not `ok`, else `ok`. What is `unknown` is tried once more.
 */
export async function publishOrders(bus: Bus, orders: readonly RunOrder[]): Promise<PublishOutcome> {
  const outcomes = await Promise.all(orders.map((order) => publishOrder(bus, order)));
  return outcomes.find((outcome) => outcome !== 'ok') ?? 'ok';
}

async function publishOrder(bus: Bus, order: RunOrder): Promise<PublishOutcome> {
  const { task, runId } = order;
  const { principal, trace, acceptedAt } = task;
  const message = envelope('run', { tenant: principal.tenant, trace, body: order, id: runId, at: acceptedAt });
  const first = await bus.publish(message, { queue: queueOf(order) });
  return first === 'unknown' ? bus.publish(message, { queue: queueOf(order) }) : first;
}
