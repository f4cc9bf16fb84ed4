import { fileURLToPath } from 'node:url';
import { type Bus, createEmbeddedBus } from '@moltbot/bus';
import { createIntake, type Intake, type Submission } from '@moltbot/intake';
import { loadPlugins } from '@moltbot/plugin-host';
import { planKey } from '@moltbot/schedules';
import {
  type CalendarConfig,
  type Clock,
  createRegistry,
  type DeclaredSchedule,
  type Notification,
  type Occurrence,
  ScheduleSpec,
  type Service,
  silentLogger,
  systemClock,
  type TenantConfig,
} from '@moltbot/shared';
import { createSqliteStore, type Store } from '@moltbot/store';
import { onTestFinished } from 'vitest';
import { createScheduler } from '../src/scheduler.ts';

const log = silentLogger;
const retention = { tasksMs: 3_600_000, outputMs: 3_600_000 };
const tenants: Record<string, TenantConfig> = { acme: { apiKeys: [] } };

/** Schedulers over one store and one real door. Nobody runs the tasks: they stay queued until a test ends them. */
export interface Lab {
  readonly store: Store;
  /** What the door was asked for and has accepted, in order: `<occurrence> <task>`. */
  readonly accepted: string[];
  /** What people were told. */
  readonly told: Notification[];
  /** The door, which has a store of its own to ask. */
  readonly door: Pick<Intake, 'submit' | 'find' | 'check' | 'cancel'>;
  scheduler(options?: InstanceOptions): Promise<Service>;
  put(id: string, spec: Record<string, unknown>): Promise<void>;
  occurrences(id: string): Promise<readonly Occurrence[]>;
}

export const specOf = (more: Record<string, unknown> = {}): ScheduleSpec =>
  ScheduleSpec.parse({
    ...{ when: 'every 1s', task: { action: 'shell.run', args: { command: 'true' }, on: 'web-1' } },
    ...more,
  });

/** What one instance has of its own. */
export interface InstanceOptions {
  readonly store?: Store;
  readonly clock?: Clock;
  readonly schedules?: readonly DeclaredSchedule[];
  /** Called before people are told; what it throws is a notice that could not be stored. */
  readonly onTell?: (notification: Notification) => void;
}

/** What is otherwise than in most tests. */
export interface Surroundings {
  readonly clock?: Clock;
  readonly calendars?: Readonly<Record<string, CalendarConfig>>;
  /** Of the leader. */
  readonly leaseMs?: number;
  /** Takes the place of the bus for the door and the schedulers. */
  readonly busOver?: (bus: Bus) => Bus;
}

/** @param given default: a store in memory */
export async function openLab(given?: Store, surroundings: Surroundings = {}): Promise<Lab> {
  const { clock = systemClock, calendars = {}, leaseMs = 2_000, busOver } = surroundings;
  const journal = createSqliteStore({ file: ':memory:', retention, clock, log });
  const store = given ?? journal;
  const embedded = createEmbeddedBus({ journal: journal.journal, clock, log });
  const bus = busOver?.(embedded) ?? embedded;
  for (const part of given ? [journal, given, embedded] : [journal, embedded]) {
    await part.start();
    onTestFinished(() => part.stop());
  }
  const shell = fileURLToPath(new URL('../../../plugins/shell/src/index.ts', import.meta.url));
  const plugins = await loadPlugins([shell], (specifier) => import(specifier));
  const intake = createIntake({
    config: {
      tenants,
      targets: [{ name: 'web-1', labels: {}, pool: 'default', tenant: 'acme', transport: 'local' }],
      limits: { requests: { perSecond: 1_000, burst: 1_000 }, targetsPerTask: 10 },
      executor: {
        ...{ pool: 'default', slots: 1, ops: { host: '127.0.0.1', port: 0 }, outputCapBytes: 1_000 },
        timeouts: { connectMs: 1_000, idleMs: 0, totalMs: 60_000, queueMs: 3_600_000 },
        watchAfterMs: 60_000,
      },
      guard: { directory: '~/.moltbot', retentionMs: 7_200_000 },
      callbacks: { allow: [], timeoutMs: 1_000, giveUpAfterMs: 1_000 },
    },
    ...{ bus, store, plugins, clock, log, registry: createRegistry('lab') },
  });
  await intake.start();
  onTestFinished(() => intake.stop());
  const accepted: string[] = [];
  const told: Notification[] = [];
  const door: Lab['door'] = {
    ...intake,
    async submit(submission: Submission) {
      const submitted = await intake.submit(submission);
      accepted.push(`${submission.idempotencyKey} ${submitted.taskId}`);
      return submitted;
    },
  };
  return {
    ...{ store, accepted, told, door },
    async scheduler({ store: own = store, clock: time = clock, schedules = [], onTell } = {}) {
      const scheduler = createScheduler({
        config: {
          ...{ tenants, schedules, calendars },
          scheduler: { ops: { host: '127.0.0.1', port: 0 }, leaseMs, onTimeMs: 15_000 },
        },
        ...{ bus, store: own, intake: door, clock: time, log, registry: createRegistry('lab') },
        notifications: {
          async notify(notification) {
            onTell?.(notification);
            told.push(notification);
          },
          deliverDue: async () => {},
          close: async () => {},
        },
      });
      await scheduler.start();
      onTestFinished(() => scheduler.stop());
      return scheduler;
    },
    async put(id, more) {
      const spec = specOf(more);
      await store.putSchedule({ tenant: 'acme', id, spec, source: 'api', by: 'key:1', plan: planKey(spec) });
    },
    occurrences: async (id) => (await store.listOccurrences('acme', id, { limit: 200 })).occurrences,
  };
}
