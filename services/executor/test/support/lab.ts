import { type Bus, createEmbeddedBus, type DeadDelivery, type RunQueueRef } from '@moltbot/bus';
import { loadPlugins, type PluginHost } from '@moltbot/plugin-host';
import { type AnyAction, BasePlugin, defineAction, pluginEntry } from '@moltbot/plugin-sdk';
import * as shellPlugin from '@moltbot/plugin-shell';
import {
  createRegistry,
  type Envelope,
  envelope,
  isFinal,
  newId,
  type Registry,
  type RunOrder,
  type RunRecord,
  type RunState,
  runIdOf,
  type Service,
  silentLogger,
  systemClock,
  type Task,
} from '@moltbot/shared';
import { createSqliteStore, type Store } from '@moltbot/store';
import { eventually } from '@moltbot/testkit';
import { onTestFinished } from 'vitest';
import { createExecutor, createLocalTransport, type ExecutorDeps } from '../../src/index.ts';
import { createShiftedClock, type ShiftedClock } from './clock.ts';
import { createFragileBus, type FragileBus } from './fragile-bus.ts';
import { createFragileStore, type FragileStore } from './fragile-store.ts';

export const queue: RunQueueRef = { kind: 'runs', pool: 'default', tenant: 'acme', priority: 'interactive' };

/** The arguments of `shell.run`, for the actions of tests. */
const [shell] = new shellPlugin.default().actions();

export const testAction = (name: string, more: Pick<AnyAction, 'run'> & Partial<AnyAction>): AnyAction =>
  defineAction({ summary: name, args: shell?.args as AnyAction['args'], ...more, name });

/** A worker over the lab's bus and store, and the handles to hurt it. */
export interface Worker {
  readonly executor: Service;
  readonly store: FragileStore;
  readonly link: FragileBus;
  readonly registry: Registry;
  /** As kill -9: its deliveries come back, it writes nothing any more, and its commands go on. */
  die(): Promise<void>;
}

export interface Lab {
  readonly clock: ShiftedClock;
  readonly store: Store;
  readonly bus: Bus;
  /** An executor that runs until the test ends: `shell.run` and the actions given, over the transports given or the local one. */
  worker(options?: WorkerOptions): Promise<Worker>;
  /** An executor, not started. */
  createExecutor(options?: WorkerOptions): Promise<Service>;
  /** Records a task and publishes its runs, as the door does. */
  accept(task?: TaskOptions): Promise<RunOrder>;
  /** Publishes a run, again or for the first time. */
  publish(order: RunOrder): Promise<void>;
  run(order: RunOrder): Promise<RunRecord>;
  /** Waits until the run is in a state: any final one unless named. */
  until(order: RunOrder, state?: RunState): Promise<RunRecord>;
  stdout(order: RunOrder): Promise<string>;
  /** Waits until no message is left in the queue of runs. */
  settled(): Promise<void>;
  /** Takes what is in the dead queue. */
  dead(): Promise<readonly DeadDelivery[]>;
  /** Stops everything; done at the end of the test unless it was before. */
  close(): Promise<void>;
}

export interface WorkerOptions
  extends Partial<
    Pick<ExecutorDeps, 'transports' | 'worker' | 'leaseMs' | 'clock' | 'isAlone' | 'patience' | 'plugins' | 'guard'>
  > {
  readonly actions?: readonly AnyAction[];
  readonly slots?: number;
  readonly watchAfterMs?: number;
}

type TaskOptions = Partial<Omit<Task, 'limits'>> & {
  readonly command?: string;
  readonly limits?: Partial<Task['limits']>;
  readonly target?: RunOrder['target'];
};

export interface LabOptions {
  /** Default: the store that keeps the messages as well. */
  readonly shared?: Store;
  readonly clock?: ShiftedClock;
}

/** A store and an embedded bus over its journal; the rungs of the ladder are 20, 40, 60 and 80 ms long. */
export async function openLab({ shared, clock = createShiftedClock() }: LabOptions = {}): Promise<Lab> {
  const retention = { tasksMs: 3_600_000, outputMs: 3_600_000 };
  const embedded = createSqliteStore({ file: ':memory:', retention, clock, log: silentLogger });
  const { journal } = embedded;
  const store = shared ?? embedded;
  const bus = createEmbeddedBus({
    journal,
    log: silentLogger,
    delays: { '5s': 20, '30s': 40, '2m': 60, '10m': 80 },
  });
  await embedded.start();
  await shared?.start();
  await bus.start();
  await bus.declare(queue);
  const opened: (() => Promise<void>)[] = [embedded.stop, async () => shared?.stop(), () => bus.stop()];
  const close = async (): Promise<void> => {
    for (const stop of opened.splice(0).reverse()) await stop();
  };
  onTestFinished(close);
  const publish = async (order: RunOrder): Promise<void> => {
    const outcome = await bus.publish(messageOf(order), { queue });
    if (outcome !== 'ok') throw new Error(`the publication was ${outcome}`);
  };
  const run = async ({ runId, task }: RunOrder): Promise<RunRecord> => {
    const record = (await store.getRuns('acme', task.id)).find(({ id }) => id === runId);
    if (!record) throw new Error(`there is no run ${runId}`);
    return record;
  };
  return {
    ...{ clock, store, bus, publish, run, close },
    createExecutor: async (options) => createExecutor(await depsOf(options, { bus, store })),
    async worker(options) {
      const worker = await startWorker(options, { bus, store });
      opened.push(async () => {
        worker.store.up();
        await worker.executor.quiesce(AbortSignal.abort());
        await worker.executor.stop();
      });
      return worker;
    },
    async accept(options) {
      const order = newOrder(options);
      await store.acceptTask({ task: order.task, orders: [order] });
      await publish(order);
      return order;
    },
    until: (order, state) =>
      eventually(`the run to be ${state ?? 'final'}`, async () => {
        const record = await run(order);
        return (state ? record.state === state : isFinal(record.state)) && record;
      }),
    async stdout({ runId }) {
      const slice = await store.readOutput('acme', runId, 'stdout', 0, 1_000_000);
      return slice?.data.toString() ?? '';
    },
    async settled() {
      const name = `runs.${queue.pool}.${queue.tenant}.${queue.priority}`;
      await eventually('an empty queue', async () => (await journal.count(name)) === 0);
    },
    async dead() {
      const found: DeadDelivery[] = [];
      const subscription = await bus.consumeDead({ prefetch: 10 }, async (letter) => {
        found.push(letter);
        await letter.ack();
      });
      await eventually('an empty dead queue', async () => (await journal.count('dead')) === 0);
      await subscription.cancel();
      return found;
    },
  };
}

async function startWorker(options: WorkerOptions = {}, real: Pick<Lab, 'bus' | 'store'>): Promise<Worker> {
  const store = createFragileStore(real.store);
  const link = createFragileBus(real.bus);
  const deps = await depsOf(options, { bus: link.bus, store: store.store });
  const executor = createExecutor(deps);
  await executor.start();
  const die = async (): Promise<void> => {
    store.die();
    await link.die();
  };
  return { executor, store, link, registry: deps.registry, die };
}

async function depsOf(options: WorkerOptions = {}, ports: Pick<ExecutorDeps, 'bus' | 'store'>): Promise<ExecutorDeps> {
  const { actions = [], slots = 4, watchAfterMs = 600_000, ...rest } = options;
  return {
    ...ports,
    isAlone: true,
    config: {
      ...{ pool: 'default', slots, watchAfterMs, outputCapBytes: 1_000_000 },
      ops: { host: '127.0.0.1', port: 0 },
      timeouts: { connectMs: 5_000, idleMs: 0, totalMs: 60_000, queueMs: 0 },
    },
    guard: { directory: '~/.moltbot', retentionMs: 72 * 3_600_000 },
    ...{ tenants: ['acme'], clock: systemClock, log: silentLogger, worker: newId(), registry: createRegistry('test') },
    plugins: await pluginsOf(actions),
    transports: [createLocalTransport({ log: silentLogger, killGraceMs: 200 })],
    ...rest,
  };
}

function pluginsOf(actions: readonly AnyAction[]): Promise<PluginHost> {
  const TestPlugin = class extends BasePlugin {
    getMetadata() {
      return { id: 'test', version: '1.0.0', summary: 'Actions of a test.' };
    }
    override actions() {
      return actions;
    }
  };
  const modules = { shell: { ...shellPlugin }, test: { default: pluginEntry(TestPlugin) } };
  return loadPlugins(['shell', 'test'], async (name) => (name === 'shell' ? modules.shell : modules.test));
}

export function newOrder({ command = 'true', limits, target, ...more }: TaskOptions = {}): RunOrder {
  const id = newId();
  const task: Task = {
    ...{ id, action: 'shell.run', args: { command }, on: 'here', priority: 'interactive' },
    ...{ principal: { tenant: 'acme', id: 'key:1' }, origin: { kind: 'http', requestId: 'r-1' } },
    ...{ acceptedAt: systemClock.now(), trace: 'trace-1', runs: 1 },
    ...{ class: 'at-most-once', retries: 0 },
    limits: {
      ...{ connectMs: 5_000, idleMs: 0, totalMs: 60_000, queueMs: 0, deadlineMs: 0, outputBytes: 1_000_000 },
      ...limits,
    },
    ...more,
  };
  const here = { name: 'here', labels: {}, pool: 'default', transport: 'local' } as const;
  return { runId: runIdOf(id, 0), index: 0, target: target ?? here, task };
}

const messageOf = (order: RunOrder): Envelope => {
  const { task, runId } = order;
  return envelope('run', { tenant: 'acme', trace: task.trace, body: order, id: runId, at: task.acceptedAt });
};
