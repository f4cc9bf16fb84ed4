import { type AnyNotifier, defineNotifier, type NotificationBatch, type SendContext } from '@moltbot/plugin-sdk';
import {
  type ChannelConfig,
  type Clock,
  createRegistry,
  type Logger,
  type Notification,
  type NotificationRoute,
  type NotificationsConfig,
  newId,
  type Registry,
  Secret,
  silentLogger,
} from '@moltbot/shared';
import { createSqliteStore, type SqliteStore } from '@moltbot/store';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import { createNotifications, type Notifications } from '../src/index.ts';

/** A clock that stands until it is moved. */
export interface MovableClock extends Clock {
  set(iso: string): void;
  advance(ms: number): void;
}

export function movableClock(iso = '2026-11-27T12:00:00Z'): MovableClock {
  let now = Date.parse(iso);
  return {
    now: () => now,
    monotonic: () => now,
    sleep: async () => {},
    set: (to) => {
      now = Date.parse(to);
    },
    advance: (ms) => {
      now += ms;
    },
  };
}

export const minute = 60_000;
export const hour = 3_600_000;

export const configOf = (more: Partial<NotificationsConfig> = {}): NotificationsConfig => ({
  ...{ channels: {}, routes: [], quietHours: [] },
  group: { waitMs: 10_000, by: ['schedule'] },
  ...{ repeatAfterMs: 4 * hour, giveUpAfterMs: 24 * hour },
  ...more,
});

/** Channels of the kind `probe`, which keeps what it is sent. */
export const probes = (...names: readonly string[]): Readonly<Record<string, ChannelConfig>> =>
  Object.fromEntries(
    names.map((name) => [name, { kind: 'probe', tenant: 'default', options: new Secret(JSON.stringify({ name })) }]),
  );

export const notificationOf = (more: Partial<Notification> = {}): Notification => ({
  ...{ id: newId(), tenant: 'default', at: Date.parse('2026-11-27T12:00:00Z'), severity: 'warning' },
  ...{ title: 'The disk is nearly full', labels: { schedule: 'disk-watch' } },
  ...more,
});

export type Send = (batch: NotificationBatch, context: SendContext) => Promise<void>;

export interface Lab {
  readonly clock: MovableClock;
  readonly store: SqliteStore;
  readonly registry: Registry;
  readonly notifications: Notifications;
  /** What the probes have taken, in order. */
  readonly taken: readonly NotificationBatch[];
  /** Replaces what the probes do from now on. */
  answer(send: Send): void;
  /** One round, as whoever leads would do it. */
  round(signal?: AbortSignal): Promise<void>;
  /** Rounds of one second for so long. */
  pass(ms: number): Promise<void>;
  /** Titles of what a message told. */
  titles(): readonly (readonly string[])[];
  count(outcome: string): Promise<number>;
}

export interface LabOptions {
  readonly config?: Partial<NotificationsConfig>;
  readonly clock?: MovableClock;
  readonly tenants?: readonly string[];
  readonly log?: Logger;
  readonly store?: SqliteStore;
}

export const openStore = async (clock: Clock, file = ':memory:'): Promise<SqliteStore> => {
  const retention = { tasksMs: 24 * 7 * hour, outputMs: hour };
  const store = createSqliteStore({ file, retention, clock, log: silentLogger });
  await store.start();
  return store;
};

/** Notifications over a store in memory, on a clock that the test moves. */
export async function openLab({
  config,
  clock = movableClock(),
  tenants = ['default'],
  log = silentLogger,
  store: given,
}: LabOptions = {}): Promise<Lab> {
  const store = given ?? (await openStore(clock));
  const taken: NotificationBatch[] = [];
  let answer: Send = async () => {};
  const registry = createRegistry('test');
  const notifier = probe(async (batch, context) => {
    await answer(batch, context);
    taken.push(batch);
  });
  const notifications = createNotifications({
    config: configOf({ channels: probes('a'), routes: [routeTo('a')], ...config }),
    ...{ tenants, store, notifiers: [notifier], registry, clock, log },
  });
  onTestFinished(async () => {
    await notifications.close();
    if (!given) await store.stop();
  });
  const round: Lab['round'] = (signal = new AbortController().signal) => notifications.deliverDue(signal);
  return {
    ...{ clock, store, registry, notifications, taken, round },
    answer: (send) => {
      answer = send;
    },
    async pass(ms) {
      for (let at = 0; at < ms; at += 1_000) {
        clock.advance(1_000);
        await round();
      }
    },
    titles: () => taken.map(({ items }) => items.map(({ notification }) => notification.title)),
    async count(outcome) {
      const found = await registry.getSingleMetric('moltbot_notifications_total')?.get();
      return found?.values.find(({ labels }) => labels['outcome'] === outcome)?.value ?? 0;
    },
  };
}

export const routeTo = (...to: readonly string[]): NotificationRoute => ({
  ...{ tenant: 'default', match: { labels: {} }, continue: false },
  to,
});

export const probe = (send: Send): AnyNotifier =>
  defineNotifier({
    ...{ kind: 'probe', summary: 'keeps what it is sent', options: z.strictObject({ name: z.string() }) },
    create: () => ({ send, close: async () => {} }),
  });
