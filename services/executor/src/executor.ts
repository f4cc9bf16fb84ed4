import type { Bus, Delivery, Subscription } from '@moltbot/bus';
import type { PluginHost } from '@moltbot/plugin-host';
import type { Transport } from '@moltbot/plugin-sdk';
import {
  type Clock,
  type Envelope,
  type ExecutorConfig,
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
import { createFairSlots, type FairSlots } from './fair-slots.ts';
import { createLeaseKeeper } from './lease-keeper.ts';
import { runToResult } from './run-to-result.ts';

export interface ExecutorDeps {
  readonly config: ExecutorConfig;
  readonly tenants: readonly string[];
  readonly bus: Bus;
  readonly store: Store;
  readonly plugins: PluginHost;
  readonly transports: readonly Transport[];
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Logger;
  /** Unique name of this process. */
  readonly worker: string;
  /** Default 10 000: how long a run of a dead worker waits before another looks after it. */
  readonly leaseMs?: number;
}

const weights: Readonly<Record<Priority, number>> = { interactive: 4, batch: 1 };
/**
 * A message that merely waited here while workers died counts their deaths as its own: past this many returns it takes a lap
 * through the ladder, which starts its count anew, long before the broker's limit would take it for poison.
 */
const returnsAtMost = 10;
/** Enough to keep the slots busy while acks travel. */
const prefetchPerSlot = 3;

/** Takes runs of its pool, fairly between tenants and priorities, and brings each to its recorded end. */
export function createExecutor(deps: ExecutorDeps): Service {
  const { config, bus, tenants, log } = deps;
  const runs = createActiveRuns();
  const slots = createFairSlots(config.slots, (line) => weights[line.split(' ')[0] as Priority]);
  const leases = createLeaseKeeper({ ...deps, runs, leaseMs: deps.leaseMs ?? 10_000 });
  const metrics = createExecutorMetrics(deps.registry, { pool: config.pool, ...slots });
  const collectAfter = createBufferGarbage();
  const run = { ...deps, collectAfter, runs, metrics, leaseMs: deps.leaseMs ?? 10_000 };
  const subscriptions: Subscription[] = [];

  const consume = async (tenant: string, priority: Priority): Promise<void> => {
    const queue = { kind: 'runs', pool: config.pool, tenant, priority } as const;
    const line = `${priority} ${tenant}`;
    const subscription = await bus.consume(queue, { prefetch: config.slots * prefetchPerSlot }, (delivery) => {
      takeDelivery(delivery, { line, slots, runs, log, run: (message) => runToResult(delivery, message, run) });
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
      subscriptions.push(await bus.onBroadcast((message) => onControl(message, runs)));
      for (const tenant of tenants)
        for (const priority of ['interactive', 'batch'] as const) await consume(tenant, priority);
    },
    async quiesce(force) {
      await cancelSubscriptions();
      slots.close();
      const handOver = (): void => {
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
      await leases.stop();
      for (const transport of deps.transports) await transport.stop();
    },
    health: () => (bus.state() === 'closed' ? { ok: false, detail: 'the bus is closed' } : deps.store.health()),
  };
}

interface TakeDeps {
  readonly line: string;
  readonly slots: FairSlots;
  readonly runs: ActiveRuns;
  readonly log: Logger;
  readonly run: (message: Envelope<'run'>) => Promise<void>;
}

function takeDelivery(delivery: Delivery, { line, slots, runs, log, run }: TakeDeps): void {
  const { message } = delivery;
  if (!isKind(message, 'run')) {
    void delivery.dead(`a ${message.kind} message does not belong in a queue of runs`);
    return;
  }
  const running = runs.get(message.body.runId);
  if (running) {
    // The link broke while we ran it, or it was published twice: the run goes on under the new delivery.
    const { delivery: former } = running;
    running.delivery = delivery;
    // Too late for a delivery of a broken link; else this was one copy of two.
    void former.ack();
    return;
  }
  if (delivery.previousDeliveries >= returnsAtMost) {
    void delivery.delay('5s');
    return;
  }
  slots.offer(line, {
    run: () =>
      run(message).catch(async (err: unknown) => {
        log.error({ err, run: message.body.runId }, 'a run could not be brought to its end here; it is given back');
        await delivery.requeue();
      }),
    giveBack: () => void delivery.requeue(),
  });
}

function onControl(message: Envelope, runs: ActiveRuns): void {
  if (isKind(message, 'cancel')) runs.stopTask(message.body.taskId, 'cancelled');
}
