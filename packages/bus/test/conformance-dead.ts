import { encodeEnvelope } from '@moltbot/shared';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Bus } from '../src/port.ts';
import {
  acking,
  allReplies,
  type BusLab,
  graveyardOf,
  inboxOf,
  message,
  replies,
  repliesOf,
  roundTrip,
  runs,
} from './bus-lab.ts';

/** What every bus must do with what cannot be handled. */
export function deadConformance(implementation: string, open: () => Promise<BusLab>): void {
  describe(`the dead queue of a bus (${implementation})`, () => {
    let lab: BusLab;
    let bus: Bus;
    const queue = runs();

    beforeEach(async () => {
      lab = await open();
      bus = await lab.bus();
    });
    afterEach(() => lab.close());

    test('moves what came back too often to the dead queue, with that reason and where it died', async () => {
      const inbox = await inboxOf(bus, queue, {
        handle: async (delivery) => {
          await delivery.requeue();
        },
      });
      const sent = message();
      // By way of the ladder, which leaves its own marks on it.
      await bus.publish(sent, { queue, delay: '5s' });
      const body = await (await graveyardOf(bus)).nth(1);
      expect(body).toMatchObject({ id: sent.id, message: sent, queue, reason: 'delivery_limit' });
      expect(body.bytes).toEqual(encodeEnvelope(sent));
      expect(inbox.all.map((delivery) => delivery.previousDeliveries)).toEqual(Array.from({ length: 21 }, (_, n) => n));
    });

    test.each([runs('a.b.c'), { ...runs(), priority: 'batch' as const }, ...allReplies])(
      'moves a delivery to the dead queue with the reason given: %j',
      async (from) => {
        const inbox = await inboxOf(bus, from, { handle: async (delivery) => void (await delivery.dead('no use')) });
        const sent = message();
        await bus.publish(sent, { queue: from });
        const graveyard = await graveyardOf(bus);
        const body = await graveyard.nth(1);
        expect(body).toMatchObject({ id: sent.id, message: sent, queue: from, reason: 'no use' });
        expect(await body.ack()).toBe('ok');
        expect(await body.requeue()).toBe('stale');
        await graveyard.cancel();
        const next = await graveyardOf(bus);
        await roundTrip(bus);
        expect([inbox.all.length, graveyard.all.length, next.all.length]).toEqual([1, 1, 0]);
      },
    );

    test('hands out the dead in the order of their deaths, also when the older dies later', async () => {
      const inbox = await inboxOf(bus, queue);
      const graveyard = await graveyardOf(bus);
      const [old, young] = [message(), message()];
      await bus.publish(old, { queue });
      await bus.publish(young, { queue });
      await inbox.nth(2);
      await inbox.all[1]?.dead('first');
      await graveyard.nth(1);
      await inbox.all[0]?.dead('second');
      await graveyard.nth(2);
      expect(graveyard.all.map(({ id, reason }) => [id, reason])).toEqual([
        [young.id, 'first'],
        [old.id, 'second'],
      ]);
    });

    test('hands out again what is given back, and after a pause what its handler threw at', async () => {
      await bus.declare(queue);
      const inbox = await inboxOf(bus, queue, { handle: async (delivery) => void (await delivery.dead('no use')) });
      const times: number[] = [];
      const graveyard = await graveyardOf(bus, async (letter) => {
        times.push(performance.now());
        if (times.length === 1) await letter.requeue();
        else if (times.length === 2) throw new Error('on purpose');
        else await letter.ack();
      });
      const sent = message();
      await bus.publish(sent, { queue });
      await graveyard.nth(3);
      expect(graveyard.all.map(({ id, reason, message: each }) => [id, reason, each])).toEqual(
        Array.from({ length: 3 }, () => [sent.id, 'no use', sent]),
      );
      const [, second = 0, third = 0] = times;
      expect(third - second).toBeGreaterThan(900);
      expect(inbox.all).toHaveLength(1);
    });

    test('hands out a dead message far more often than the living are', async () => {
      await inboxOf(bus, queue, { handle: async (delivery) => void (await delivery.dead('no use')) });
      await bus.publish(message(), { queue });
      const graveyard = await graveyardOf(bus, async (letter) => {
        await (graveyard.all.length < 60 ? letter.requeue() : letter.ack());
      });
      await graveyard.nth(60);
    });

    test('never shows a handler what cannot be read, and keeps its bytes', async () => {
      const inbox = await inboxOf(bus, queue, { handle: acking });
      const replied = await inboxOf(bus, repliesOf('lark'), { handle: acking });
      const graveyard = await graveyardOf(bus);
      const poison = Buffer.from([0xff, 0x00, 0x7b]);
      await lab.inject(queue, poison);
      const later = Buffer.from(JSON.stringify({ ...message(), v: 99 }));
      await lab.inject(queue, later);
      const good = message();
      await bus.publish(good, { queue });
      await inbox.nth(1);
      await graveyard.nth(2);
      await lab.inject(repliesOf('lark'), poison);
      await bus.publish(good, { queue: repliesOf('lark') });
      await replied.nth(1);
      await graveyard.nth(3);
      expect([inbox.ids(), replied.ids()]).toEqual([[good.id], [good.id]]);
      expect(graveyard.all.map(({ bytes, queue: from, message: read }) => ({ bytes, from, read }))).toEqual([
        { bytes: poison, from: queue, read: undefined },
        { bytes: later, from: queue, read: undefined },
        { bytes: poison, from: repliesOf('lark'), read: undefined },
      ]);
      for (const { id, reason } of graveyard.all) {
        expect(id).not.toBe('');
        expect(reason).toMatch(/^MOLT_ENVELOPE: /);
      }
    });

    test('hands out in the next process what was not settled in this', async () => {
      await inboxOf(bus, replies, { handle: async (delivery) => void (await delivery.dead('no use')) });
      const sent = message();
      await bus.publish(sent, { queue: replies });
      const body = await (await graveyardOf(bus)).nth(1);
      await bus.stop();
      expect(await body.ack()).toBe('stale');
      const again = await (await graveyardOf(await lab.bus())).nth(1);
      expect(again).toMatchObject({ id: sent.id, message: sent, queue: replies, reason: 'no use' });
      expect(await again.ack()).toBe('ok');
    });
  });
}
