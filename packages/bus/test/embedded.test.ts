import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@moltbot/shared';
import { createSqliteStore } from '@moltbot/store';
import { eventually } from '@moltbot/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Bus } from '../src/port.ts';
import { acking, type BusLab, graveyardOf, inboxOf, message, runs } from './bus-lab.ts';
import { busConformance } from './conformance.ts';
import { broadcastsConformance } from './conformance-broadcasts.ts';
import { deadConformance } from './conformance-dead.ts';
import { type EmbeddedLab, openEmbeddedLab } from './embedded-lab.ts';
import { createManualClock } from './manual-clock.ts';
import { createMemoryJournal, type MemoryJournal } from './memory-journal.ts';

busConformance('embedded, journal in memory', async () => openEmbeddedLab(createMemoryJournal()));
busConformance('embedded, journal in SQLite', openSqliteLab);
deadConformance('embedded, journal in memory', async () => openEmbeddedLab(createMemoryJournal()));
broadcastsConformance('embedded, journal in memory', async () => openEmbeddedLab(createMemoryJournal()));
deadConformance('embedded, journal in SQLite', openSqliteLab);
broadcastsConformance('embedded, journal in SQLite', openSqliteLab);

describe('an embedded bus', () => {
  const queue = runs();
  let journal: MemoryJournal;
  let lab: EmbeddedLab;
  let bus: Bus;

  beforeEach(async () => {
    journal = createMemoryJournal();
    lab = openEmbeddedLab(journal);
    bus = await lab.bus();
  });
  afterEach(() => lab.close());

  test('counts a delivery whose process died before it could settle it', async () => {
    const inbox = await inboxOf(bus, queue);
    await bus.publish(message(), { queue });
    await inbox.nth(1);
    // No stop: the process is just gone.
    const next = await lab.bus();
    expect(await (await inboxOf(next, queue)).nth(1)).toMatchObject({ redelivered: true, previousDeliveries: 1 });
  });

  test('reaches the delivery limit across processes', async () => {
    const sent = message();
    await bus.declare(queue);
    await bus.publish(sent, { queue });
    for (const entry of journal.entries('runs.main.acme.interactive')) {
      for (let n = 0; n < 21; n += 1) await journal.delivered(entry.seq);
    }
    const inbox = await inboxOf(bus, queue);
    const body = await (await graveyardOf(bus)).nth(1);
    expect(body).toMatchObject({ message: sent, queue, reason: 'delivery_limit' });
    expect(inbox.all).toEqual([]);
  });

  test('holds a page of a long queue in memory, not the queue', async () => {
    await bus.declare(queue);
    const sent = Array.from({ length: 1_000 }, () => message());
    await Promise.all(sent.map((each) => bus.publish(each, { queue })));
    const inbox = await inboxOf(bus, queue, { prefetch: 10, handle: acking });
    await inbox.nth(sent.length);
    expect(inbox.ids()).toEqual(sent.map(({ id }) => id));
    expect(journal.largestRead()).toBeLessThanOrEqual(256);
    await eventually('an empty journal', () => journal.entries('runs.main.acme.interactive').length === 0);
  });

  test('waits out the rungs by its clock', async () => {
    await bus.stop();
    const clock = createManualClock();
    const timed = await lab.bus({ clock, delays: {} });
    const inbox = await inboxOf(timed, queue);
    const [first, second] = [message(), message()];
    await timed.publish(first, { queue, delay: '10m' });
    await timed.publish(second, { queue, delay: '2m' });
    await eventually('the wait', () => clock.nextWake() === 120_000);
    clock.advance(120_000);
    expect((await inbox.nth(1)).message.id).toBe(second.id);
    await eventually('the longer wait', () => clock.nextWake() === 480_000);
    expect(inbox.all).toHaveLength(1);
    clock.advance(480_000);
    expect((await inbox.nth(2)).message.id).toBe(first.id);
  });

  describe('whose journal fails', () => {
    test('says unknown when it may have kept a message, nacked when it has not', async () => {
      await bus.declare(queue);
      journal.fail('count');
      expect(await bus.publish(message(), { queue })).toBe('nacked');
      journal.fail('append');
      expect(await bus.publish(message(), { queue })).toBe('unknown');
      journal.fail(undefined);
      expect(await bus.publish(message(), { queue })).toBe('ok');
    });

    test.each(['remove', 'move'] as const)('gives back what it cannot settle (%s)', async (method) => {
      const inbox = await inboxOf(bus, queue);
      await bus.publish(message(), { queue });
      const delivery = await inbox.nth(1);
      journal.fail(method);
      expect(await (method === 'remove' ? delivery.ack() : delivery.dead('no use'))).toBe('stale');
      expect((await inbox.nth(2)).previousDeliveries).toBe(1);
    });

    test.each(['append', 'remove'] as const)(
      'loses neither message when one cannot take the other place (%s)',
      async (method) => {
        const inbox = await inboxOf(bus, queue);
        const [sent, instead] = [message(), message()];
        await bus.publish(sent, { queue });
        const delivery = await inbox.nth(1);
        journal.fail(method);
        expect(await delivery.delay('5s', instead)).toBe('stale');
        journal.fail(undefined);
        expect((await inbox.nth(2)).message).toEqual(sent);
        if (method === 'remove') expect((await inbox.nth(3)).message).toEqual(instead);
      },
    );

    test.each(['delivered', 'read'] as const)('goes on handing out when it works again (%s)', async (method) => {
      await bus.declare(queue);
      await bus.publish(message(), { queue });
      journal.fail(method);
      const inbox = await inboxOf(bus, queue);
      await eventually('a failure', () => journal.failures() > 0);
      expect(inbox.all).toEqual([]);
      journal.fail(undefined);
      expect((await inbox.nth(1)).redelivered).toBe(false);
    });
  });
});

async function openSqliteLab(): Promise<BusLab> {
  const directory = await mkdtemp(join(tmpdir(), 'moltbot-bus-'));
  const store = createSqliteStore({
    file: join(directory, 'moltbot.db'),
    retention: { tasksMs: 60_000, outputMs: 60_000 },
    log: silentLogger,
  });
  await store.start();
  const lab = openEmbeddedLab(store.journal);
  return {
    ...lab,
    close: async () => {
      await lab.close();
      await store.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
