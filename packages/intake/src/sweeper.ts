import type { Bus } from '@moltbot/bus';
import { type Clock, type Logger, newId, type Service } from '@moltbot/shared';
import type { Store } from '@moltbot/store';
import { publishOrders } from './publish-orders.ts';

export interface SweeperDeps {
  readonly bus: Bus;
  readonly store: Store;
  readonly tenants: readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
  /** How often to look, ms. Default 5 000. */
  readonly everyMs?: number;
  /** How old an unconfirmed task must be, ms: more than two confirm time-outs. Default 30 000. */
  readonly olderThanMs?: number;
}

const tasksPerRound = 100;
const forgetStepsPerRound = 100;

/**
 * Publishes again what was recorded but never confirmed (its door died in between), and forgets what is past its retention.
 * One instance at a time, by lease; two at once would do no harm, as runs are claimed under one id.
 */
export function createSweeper(deps: SweeperDeps): Service {
  const { everyMs = 5_000, olderThanMs = 30_000 } = deps;
  const owner = newId();
  const stopped = new AbortController();
  let loop: Promise<void> | undefined;

  const publishAgain = async (tenant: string): Promise<void> => {
    for (const orders of await deps.store.listUnpublished(tenant, olderThanMs, tasksPerRound)) {
      const taskId = orders[0]?.task.id;
      const outcome = await publishOrders(deps.bus, orders);
      deps.log.warn({ task: taskId, tenant, outcome }, 'published a task again that was never confirmed');
      if (outcome !== 'ok' || taskId === undefined) return;
      await deps.store.markPublished(tenant, [taskId]);
    }
  };

  /** In small steps, so that others get their turn, and as many as it takes to keep up with what ends. */
  const forget = async (): Promise<void> => {
    let forgotten = 0;
    for (let step = 0; step < forgetStepsPerRound && !stopped.signal.aborted; step += 1) {
      const tasks = await deps.store.expire();
      if (tasks === 0) break;
      forgotten += tasks;
    }
    if (forgotten > 0) deps.log.info({ tasks: forgotten }, 'forgot tasks past their retention');
  };

  const round = async (): Promise<void> => {
    const { held } = await deps.store.acquireLease('sweeper', owner, everyMs * 3);
    if (!held) return;
    for (const tenant of deps.tenants) await publishAgain(tenant);
    await forget();
  };

  const run = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      await round().catch((err: unknown) => deps.log.warn({ err }, 'the sweeper could not finish its round'));
      await deps.clock.sleep(everyMs, stopped.signal).catch(() => {});
    }
  };

  return {
    name: 'sweeper',
    async start() {
      loop = run();
    },
    async quiesce() {
      stopped.abort();
      await loop;
    },
    async stop() {
      stopped.abort();
      await loop;
      if (loop) await deps.store.releaseLease('sweeper', owner).catch(() => {});
      loop = undefined;
    },
    health: () => ({ ok: true }),
  };
}
