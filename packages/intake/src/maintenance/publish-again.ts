import { publishOrders } from '../publish-orders.ts';
import type { Duty, DutyDeps } from './duty.ts';

const tasksPerRound = 100;

/** Publishes what was recorded but never confirmed: its door died in between. */
export function publishAgain({ bus, store, tenants, log, olderThanMs = 30_000 }: DutyDeps): Duty {
  const ofTenant = async (tenant: string): Promise<void> => {
    for (const orders of await store.listUnpublished(tenant, olderThanMs, tasksPerRound)) {
      const taskId = orders[0]?.task.id;
      const outcome = await publishOrders(bus, orders);
      log.warn({ task: taskId, tenant, outcome }, 'published a task again that was never confirmed');
      // A link that does not confirm takes no others either; a queue that is full or gone is no reason to keep them back.
      if (outcome === 'unknown') return;
      if (outcome === 'ok' && taskId !== undefined) await store.markPublished(tenant, [taskId]);
    }
  };
  return async () => {
    for (const tenant of tenants) await ofTenant(tenant);
  };
}
