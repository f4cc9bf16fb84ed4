import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRegistry, type Notification, newId, severities, silentLogger } from '@moltbot/shared';
import type { SqliteStore } from '@moltbot/store';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createNotifications, type Notifications } from '../src/index.ts';
import { channelsOf } from '../src/routes.ts';
import { configOf, hour, minute, movableClock, notificationOf, openStore, probe, probes, routeTo } from './lab.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'moltbot-notify-'));
});
afterAll(() => rm(folder, { recursive: true }));

const config = configOf({
  channels: probes('a', 'b', 'c'),
  routes: [
    { ...routeTo('a'), match: { labels: {}, min: 'error' }, continue: true },
    { ...routeTo('b', 'c'), match: { labels: { team: 'x*' } } },
    { ...routeTo(), match: { labels: {}, severity: ['info'] } },
    { ...routeTo('c'), match: { labels: { team: '*' } } },
  ],
  quietHours: [
    {
      ...{ tenant: 'default', days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], from: '12:30', to: '13:30' },
      ...{ timezone: 'UTC', below: 'critical', channels: ['b'] },
    },
  ],
});

/** Dies at a call of the store: before it is made, or after it was and before the answer. */
class Killed extends Error {}

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('raise' as const),
      severity: fc.constantFrom(...severities),
      team: fc.constantFrom('x1', 'y', undefined),
      title: fc.constantFrom('p', 'q'),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('round' as const),
      afterMs: fc.constantFrom(0, 1_000, 11_000, 10 * minute, hour),
      fails: fc.constantFrom('', 'a', 'b', 'abc'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('kill' as const),
      call: fc.nat(8),
      done: fc.boolean(),
      afterMs: fc.constantFrom(0, 11_000),
    }),
  },
);

test('under random failures, kills and restarts: exactly the channels the routes say, and nothing is lost', async () => {
  let told = 0;
  let kills = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
      const clock = movableClock('2026-11-27T12:00:00Z');
      const file = join(folder, `${newId()}.db`);
      const taken = new Map<string, { channel: string; words: string; ids: readonly string[]; counted: number }>();
      const raised: Notification[] = [];
      let fails = '';
      let life = await begin();

      async function begin() {
        const store = await openStore(clock, file);
        const fuse = { left: Number.POSITIVE_INFINITY, done: false };
        const notifier = probe(async (batch) => {
          if (fails.includes(batch.channel)) throw new Error('down');
          const words = JSON.stringify(batch);
          const ids = batch.items.map(({ notification }) => notification.id);
          const counted = batch.items.reduce((sum, { repeats }) => sum + repeats + 1, 0);
          const before = taken.get(batch.id);
          // Told again after a kill it has the same id and the same words.
          if (before) expect(before.words).toBe(words);
          taken.set(batch.id, { channel: batch.channel, words, ids, counted });
        });
        const deps = { config, tenants: ['default'], notifiers: [notifier], clock, log: silentLogger };
        const notifications = createNotifications({
          ...deps,
          store: fused(store, fuse),
          registry: createRegistry('test'),
        });
        return { store, fuse, notifications };
      }

      /** As kill -9 and a new start. */
      async function restart() {
        await life.notifications.close();
        await life.store.stop();
        life = await begin();
      }

      const survives = async (work: (notifications: Notifications) => Promise<void>): Promise<boolean> => {
        try {
          await work(life.notifications);
        } catch (error) {
          if (!(error instanceof Killed)) throw error;
        }
        if (life.fuse.left > 0) return true;
        kills += 1;
        await restart();
        return false;
      };
      const round = () => survives((each) => each.deliverDue(new AbortController().signal));

      for (const each of steps) {
        if (each.do === 'raise') {
          const { severity, team, title } = each;
          const labels = { schedule: title, ...(team !== undefined && { team }) };
          const notification = notificationOf({ severity, title, labels, at: clock.now() });
          raised.push(notification);
          // Whoever raises it does so again when it does not know whether it was kept.
          while (!(await survives((notifications) => notifications.notify(notification))));
        } else if (each.do === 'round') {
          clock.advance(each.afterMs);
          fails = each.fails;
          await round();
        } else {
          clock.advance(each.afterMs);
          fails = '';
          Object.assign(life.fuse, { left: each.call, done: each.done });
          await round();
        }
      }
      fails = '';
      for (let n = 0; n < 12; n++) {
        clock.advance(15 * minute);
        await round();
      }

      const { notifications: records } = await life.store.listNotifications('default', { limit: 100 });
      expect(records.length).toBe(raised.length);
      for (const { notification, deliveries } of records) {
        expect(deliveries.map(({ channel }) => channel)).toEqual([...channelsOf(notification, config)].toSorted());
        for (const { channel, state } of deliveries) {
          const times = [...taken.values()].filter(
            (each) => each.channel === channel && each.ids.includes(notification.id),
          );
          if (channel === 'log') expect(state).toMatch(/^(?:sent|repeated)$/);
          else expect([state, times.length]).toEqual(state === 'sent' ? ['sent', 1] : ['repeated', 0]);
          told += 1;
        }
      }
      // Told or counted: the last told counts what it knew, and what came after it waits to be counted.
      const repeated = records
        .flatMap(({ deliveries }) => deliveries)
        .filter(({ state, channel }) => state === 'repeated' && channel !== 'log').length;
      const counted = [...taken.values()].reduce((sum, each) => sum + each.counted - each.ids.length, 0);
      expect(counted).toBeLessThanOrEqual(repeated);
      await life.notifications.close();
      await life.store.stop();
    }),
    { numRuns: 120 },
  );
  expect(told).toBeGreaterThan(300);
  expect(kills).toBeGreaterThan(50);
});

/** A store that works for so many calls. */
function fused(store: SqliteStore, fuse: { left: number; done: boolean }): SqliteStore {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return async (...args: readonly unknown[]): Promise<unknown> => {
        if (fuse.left <= 0) throw new Killed('killed before the call');
        fuse.left -= 1;
        if (fuse.left > 0) return member.apply(target, args);
        if (fuse.done) await member.apply(target, args);
        throw new Killed('killed at the call');
      };
    },
  });
}
