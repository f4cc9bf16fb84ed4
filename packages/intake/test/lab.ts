import { fileURLToPath } from 'node:url';
import {
  type Bus,
  createEmbeddedBus,
  type EmbeddedBusOptions,
  type QueueRef,
  queueText,
  type RunQueueRef,
} from '@moltbot/bus';
import { loadPlugins, type PluginHost } from '@moltbot/plugin-host';
import {
  type Callback,
  type Clock,
  createRegistry,
  decodeEnvelope,
  type Envelope,
  type InventoryTarget,
  isKind,
  type NewApiKey,
  newApiKey,
  newId,
  type Origin,
  type Principal,
  type RunOrder,
  runRounds,
  silentLogger,
  systemClock,
  type TenantConfig,
} from '@moltbot/shared';
import { type Claim, createSqliteStore, type SqliteStore, type Store } from '@moltbot/store';
import { onTestFinished } from 'vitest';
import { createIntake, createMaintenance, type Intake, type IntakeDeps, type Submission } from '../src/index.ts';

/** Time stands until it is moved on; sleeping is real. */
interface StillClock extends Clock {
  advance(ms: number): void;
}

function createStillClock(): StillClock {
  let now = 1_800_000_000_000;
  return {
    now: () => now,
    monotonic: () => now,
    sleep: systemClock.sleep,
    advance: (ms) => {
      now += ms;
    },
  };
}

export const configuredKey: NewApiKey = newApiKey('acme');
export const alice: Principal = { tenant: 'acme', id: 'key:alice' };
export const bob: Principal = { tenant: 'acme', id: 'key:bob' };
export const stranger: Principal = { tenant: 'other', id: 'key:alice' };
export const replies: QueueRef = { kind: 'replies', platform: 'http' };
export const discordReplies: QueueRef = { kind: 'replies', platform: 'discord' };
export const larkReplies: QueueRef = { kind: 'replies', platform: 'lark' };
export const interactive: RunQueueRef = { kind: 'runs', pool: 'default', tenant: 'acme', priority: 'interactive' };

export const tenants: Record<string, TenantConfig> = {
  acme: { apiKeys: [{ id: configuredKey.id, hash: configuredKey.hash }] },
  other: { apiKeys: [] },
};

const target = (
  name: string,
  more: Partial<Pick<InventoryTarget, 'tenant' | 'pool' | 'guard'>> = {},
): InventoryTarget => ({
  ...{ name, labels: { env: 'test' }, pool: 'default', tenant: 'acme', transport: 'local' },
  ...more,
});

const config: IntakeDeps['config'] = {
  tenants,
  targets: [
    ...['web-1', 'web-2', 'web-3', 'db-1'].map((name) => target(name)),
    target('far-1', { pool: 'far' }),
    target('bare-1', { pool: 'far', guard: 'off' }),
    target('web-1', { tenant: 'other' }),
  ],
  limits: { requests: { perSecond: 10, burst: 8 }, targetsPerTask: 3 },
  executor: {
    pool: 'default',
    slots: 4,
    ops: { host: '127.0.0.1', port: 0 },
    outputCapBytes: 1_000_000,
    timeouts: { connectMs: 15_000, idleMs: 0, totalMs: 3_600_000, queueMs: 86_400_000 },
    watchAfterMs: 600_000,
  },
  guard: { directory: '~/.moltbot', retentionMs: 259_200_000 },
  callbacks: { allow: ['hooks.internal'], timeoutMs: 10_000, giveUpAfterMs: 86_400_000 },
};

/** A store and an embedded bus over its journal, and doors on them. */
export interface Lab {
  readonly clock: StillClock;
  readonly store: SqliteStore;
  readonly bus: Bus;
  /** A door, not started. */
  createDoor(deps?: DoorDeps): Intake;
  /** A door that is open until the test ends, with the maintenance of a leader beside it: one round unless told otherwise. */
  door(deps?: DoorDeps): Promise<Intake>;
  /** What lies in a queue, handed out or not. */
  queued(queue?: QueueRef): Promise<readonly Envelope[]>;
}

export type DoorDeps = Partial<Pick<IntakeDeps, 'bus' | 'registry' | 'plugins' | 'log'>> & {
  readonly sweep?: { readonly everyMs: number; readonly olderThanMs: number };
  readonly store?: Store;
  /** Names of the targets of acme, where they are others. */
  readonly targets?: readonly string[];
};

export async function openLab(bus: Partial<EmbeddedBusOptions> = {}): Promise<Lab> {
  const clock = createStillClock();
  const retention = { tasksMs: 3_600_000, outputMs: 3_600_000 };
  const store = createSqliteStore({ file: ':memory:', retention, clock, log: silentLogger });
  const lane = createEmbeddedBus({ journal: store.journal, log: silentLogger, clock, ...bus });
  await store.start();
  await lane.start();
  onTestFinished(async () => {
    await lane.stop();
    await store.stop();
  });
  const plugins = await shellPlugin();
  const createDoor = ({ targets, sweep = oneRound, ...deps }: DoorDeps = {}): Intake => {
    const own = targets ? { ...config, targets: targets.map((name) => target(name)) } : config;
    const common = { config: own, store, bus: lane, plugins, clock, log: silentLogger };
    const all = { ...common, registry: createRegistry('door'), ...deps };
    return withMaintenance(createIntake(all), { ...all, tenants: Object.keys(tenants), ...sweep });
  };
  return {
    ...{ clock, store, bus: lane, createDoor },
    async door(deps = {}) {
      const door = createDoor(deps);
      await door.start();
      onTestFinished(() => door.stop());
      return door;
    },
    async queued(queue = interactive) {
      const entries = await store.journal.read(queueText(queue).replaceAll('/', '.'), 0, 1_000);
      return entries.map(({ bytes }) => decodeEnvelope(bytes));
    },
  };
}

const oneRound = { everyMs: 3_600_000, olderThanMs: 30_000 };

/** The door with the rounds of a leader, from its start to its end. */
function withMaintenance(
  door: Intake,
  deps: Parameters<typeof createMaintenance>[0] & { readonly clock: Clock; readonly everyMs: number },
): Intake {
  const over = new AbortController();
  const round = createMaintenance(deps);
  let rounds: Promise<void> | undefined;
  const endRounds = async (): Promise<void> => {
    over.abort();
    await rounds;
  };
  return {
    ...door,
    async start() {
      await door.start();
      rounds = runRounds({ ...deps, name: 'maintenance', signal: over.signal, round });
    },
    async quiesce(force) {
      await endRounds();
      await door.quiesce(force);
    },
    async stop() {
      await endRounds();
      await door.stop();
    },
  };
}

/** The first-party plugin, named by its path as a configuration may name any. */
export function shellPlugin(): Promise<PluginHost> {
  const path = fileURLToPath(new URL('../../../plugins/shell/src/index.ts', import.meta.url));
  return loadPlugins([path], (specifier) => import(specifier));
}

type SubmissionOptions = Partial<Omit<Submission, 'request'>> & { readonly request?: Partial<Submission['request']> };

/** `shell.run true` on web-1 for alice, unless said otherwise. */
export const submission = ({ request, ...rest }: SubmissionOptions = {}): Submission => ({
  principal: alice,
  origin: { kind: 'http', requestId: 'r-1' },
  ...rest,
  request: { action: 'shell.run', args: { command: 'true' }, on: 'web-1', priority: 'interactive', ...request },
});

/** What an executor is answered that was delivered this run. */
export function claim(lab: Lab, order: RunOrder, start = false): Promise<Claim> {
  const leaseMs = 10_000;
  const claimId = newId();
  return lab.store.claimRun({ order, worker: 'w', leaseMs, redelivered: false, publishedAt: 0, start, claimId });
}

/** The orders of the runs that lie in the queue. */
export const queuedOrders = async (lab: Lab): Promise<readonly RunOrder[]> =>
  (await lab.queued()).flatMap((message) => (isKind(message, 'run') ? [message.body] : []));

/** Where the end of a task may be posted to. */
export const callback: Callback = {
  url: 'https://example.com/hook',
  secret: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
};

/** Of a task that a chat waits for. */
export const chat: Extract<Origin, { kind: 'chat' }> = {
  ...{ kind: 'chat', platform: 'discord', account: 'ops', place: { channel: 'c-1' } },
  ...{ event: 'e-1', actor: 'u-1', language: 'en' },
};

/** A bus with some of its calls replaced. */
export const withBus = (bus: Bus, calls: Partial<Pick<Bus, 'publish' | 'broadcast' | 'state'>>): Bus => ({
  name: bus.name,
  start: () => bus.start(),
  quiesce: (force) => bus.quiesce(force),
  stop: () => bus.stop(),
  health: () => bus.health(),
  state: () => bus.state(),
  declare: (queue) => bus.declare(queue),
  publish: (message, to) => bus.publish(message, to),
  consume: (queue, options, handler) => bus.consume(queue, options, handler),
  consumeDead: (options, handler) => bus.consumeDead(options, handler),
  broadcast: (message) => bus.broadcast(message),
  recall: (from, visit) => bus.recall(from, visit),
  onBroadcast: (handler) => bus.onBroadcast(handler),
  ...calls,
});

/** For `expect.poll`: longer than any machine is slow. */
export const soon = { timeout: 10_000, interval: 5 } as const;
