import type { Bus, Subscription } from '@moltbot/bus';
import type { PluginHost } from '@moltbot/plugin-host';
import type { Transport } from '@moltbot/plugin-sdk';
import {
  type Clock,
  type Envelope,
  type ExecutorConfig,
  type GuardConfig,
  isKind,
  type Logger,
  type Priority,
  type Registry,
  type Service,
} from '@moltbot/shared';
import type { Store } from '@moltbot/store';
import { type ActiveRuns, createActiveRuns } from './active-runs.ts';
import { createBufferGarbage } from './buffer-garbage.ts';
import { createExecutorMetrics } from './executor-metrics.ts';
import { createFairSlots } from './fair-slots.ts';
import { createForgottenCancels } from './forgotten-cancels.ts';
import { createLeaseKeeper } from './lease-keeper.ts';
import { createLeftovers } from './leftovers.ts';
import { type Patience, patience } from './run-deps.ts';
import { runToResult } from './run-to-result.ts';
import { takeDelivery } from './take-delivery.ts';
import { createWatchKeeper } from './watch-keeper.ts';

export interface ExecutorDeps {
  readonly config: ExecutorConfig;
  readonly tenants: readonly string[];
  readonly bus: Bus;
  readonly store: Store;
  readonly plugins: PluginHost;
  readonly transports: readonly Transport[];
  /** Where targets keep records of guarded commands, and for how long they certainly remember one. */
  readonly guard: GuardConfig;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Logger;
  /** Unique name of this process. */
  readonly worker: string;
  /** Default 10 000: how long a run of a dead worker waits before another looks after it. */
  readonly leaseMs?: number;
  /**
   * Every executor of the pool is on this host, so that what `local` has no record of never ran. Default false: it may have run
   * on the host of another executor.
   */
  readonly isAlone?: boolean;
  /** Where it is not `patience`. */
  readonly patience?: Partial<Patience>;
}

const weights: Readonly<Record<Priority, number>> = { interactive: 4, batch: 1 };
/** Enough to keep the slots busy while acks travel. */
const prefetchPerSlot = 3;

/** Takes runs of its pool, fairly between tenants and priorities, and brings each to its recorded end. */
export function createExecutor(deps: ExecutorDeps): Service {
  const { config, bus, tenants, clock, log } = deps;
  const leaseMs = deps.leaseMs ?? 10_000;
  const runs = createActiveRuns();
  const slots = createFairSlots(config.slots, (line) => weights[line.split(' ')[0] as Priority]);
  const leases = createLeaseKeeper({ ...deps, runs, leaseMs });
  const metrics = createExecutorMetrics(deps.registry, { pool: config.pool, ...slots });
  const { watchAfterMs } = config;
  const watches = createWatchKeeper({ runs, slots, metrics, clock, log, watchAfterMs });
  const collectAfter = createBufferGarbage();
  const leftovers = createLeftovers({ ...deps, pool: config.pool });
  const handingOver = new AbortController();
  const run = {
    ...{ ...deps, collectAfter, runs, metrics, leftovers, leaseMs, watchAfterMs, isAlone: deps.isAlone ?? false },
    forgottenCancels: createForgottenCancels({ bus, clock, log }),
    ...{ patience: { ...patience, memoryMs: deps.guard.retentionMs, ...deps.patience }, stopping: handingOver.signal },
  };
  const subscriptions: Subscription[] = [];

  const consume = async (tenant: string, priority: Priority): Promise<void> => {
    const queue = { kind: 'runs', pool: config.pool, tenant, priority } as const;
    const line = `${priority} ${tenant}`;
    const subscription = await bus.consume(queue, { prefetch: config.slots * prefetchPerSlot }, (delivery) => {
      takeDelivery(delivery, {
        ...{ line, slots, runs, clock, watchAfterMs, log },
        run: (arrival) => runToResult(arrival, run),
      });
    });
    subscriptions.push(subscription);
  };

  const cancelSubscriptions = async (): Promise<void> => {
    await Promise.all(subscriptions.splice(0).map((subscription) => subscription.cancel()));
  };

  return {
    name: 'executor',
    async start() {
      for (const transport of deps.transports) await transport.start();
      await leases.start();
      await watches.start();
      await leftovers.start();
      subscriptions.push(await bus.onBroadcast((message) => onControl(message, runs)));
      for (const tenant of tenants)
        for (const priority of ['interactive', 'batch'] as const) await consume(tenant, priority);
    },
    async quiesce(force) {
      await leftovers.quiesce(force);
      await cancelSubscriptions();
      slots.close();
      const handOver = (): void => {
        handingOver.abort();
        for (const active of runs.all()) active.stop('handed-over');
      };
      if (force.aborted) handOver();
      else force.addEventListener('abort', handOver, { once: true });
      await slots.idle();
      force.removeEventListener('abort', handOver);
    },
    async stop() {
      await cancelSubscriptions();
      slots.close();
      await leftovers.stop();
      await watches.stop();
      await leases.stop();
      for (const transport of deps.transports) await transport.stop();
    },
    health: () => (bus.state() === 'closed' ? { ok: false, detail: 'the bus is closed' } : deps.store.health()),
  };
}

function onControl(message: Envelope, runs: ActiveRuns): void {
  if (isKind(message, 'cancel')) runs.stopTask(message.body.taskId, 'cancelled');
}
