import { hasCode } from '@moltbot/shared';
import { checkServiceContract, eventually } from '@moltbot/testkit';
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
  roundTrip,
  runs,
  testDelays,
} from './bus-lab.ts';

/** What every bus must do. */
export function busConformance(implementation: string, open: () => Promise<BusLab>): void {
  describe(`a bus (${implementation})`, () => {
    let lab: BusLab;
    let bus: Bus;
    const queue = runs();

    beforeEach(async () => {
      lab = await open();
      bus = await lab.bus();
    });
    afterEach(() => lab.close());

    describe('publishing', () => {
      test('delivers what it confirmed, by value and as new', async () => {
        const inbox = await inboxOf(bus, queue);
        const sent = message();
        expect(await bus.publish(sent, { queue })).toBe('ok');
        const { message: received, redelivered, previousDeliveries } = await inbox.nth(1);
        expect(received).toEqual(sent);
        expect(received).not.toBe(sent);
        expect({ redelivered, previousDeliveries }).toEqual({ redelivered: false, previousDeliveries: 0 });
      });

      test('says unroutable when there is no such queue', async () => {
        expect(await bus.publish(message(), { queue: runs('nowhere') })).toBe('unroutable');
        expect(await bus.publish(message(), { queue: runs('nowhere'), delay: '5s' })).toBe('unroutable');
        expect(await bus.publish(message(), { queue: replies })).toBe('unroutable');
        expect(await bus.publish(message(), { queue: replies, delay: '5s' })).toBe('unroutable');
        await bus.declare(replies);
        expect(await bus.publish(message(), { queue: replies })).toBe('ok');
      });

      test('keeps the order of the calls', async () => {
        await bus.declare(queue);
        const sent = Array.from({ length: 1_500 }, (_, index) => message(String(index)));
        const outcomes = await Promise.all(sent.map((each) => bus.publish(each, { queue })));
        expect(new Set(outcomes)).toEqual(new Set(['ok']));
        const inbox = await inboxOf(bus, queue, { prefetch: 200, handle: acking });
        await inbox.nth(sent.length);
        expect(inbox.ids()).toEqual(sent.map(({ id }) => id));
      });

      test('keeps tenants, pools, priorities and replies apart', async () => {
        const batch = { ...runs('a'), priority: 'batch' as const };
        const queues = [runs('a'), runs('b'), runs('a', 'other'), batch, ...allReplies];
        const inboxes = await Promise.all(queues.map((each) => inboxOf(bus, each)));
        for (const each of queues) await bus.publish(message(JSON.stringify(each)), { queue: each });
        await Promise.all(inboxes.map((inbox) => inbox.nth(1)));
        expect(inboxes.map((inbox) => inbox.all.map((delivery) => delivery.message.trace))).toEqual(
          queues.map((each) => [JSON.stringify(each)]),
        );
      });

      test('refuses what a full queue cannot take, and takes again when there is room', async () => {
        const small = await (await replace()).bus({ maxQueueLength: 5 });
        await small.declare(queue);
        const kept: string[] = [];
        const refused = await eventually('a refusal', async () => {
          const next = message();
          const outcome = await small.publish(next, { queue });
          if (outcome === 'ok') kept.push(next.id);
          return outcome === 'ok' ? undefined : outcome;
        });
        expect(refused).toBe('nacked');
        expect(kept.length).toBeGreaterThanOrEqual(5);

        const inbox = await inboxOf(small, queue, { handle: acking });
        await inbox.nth(kept.length);
        expect(inbox.ids()).toEqual(kept);
        await eventually('room', async () => (await small.publish(message(), { queue })) === 'ok');
      });
    });

    describe('consuming', () => {
      test('hands out no more than the prefetch', async () => {
        const inbox = await inboxOf(bus, queue, { prefetch: 3 });
        for (let n = 0; n < 5; n += 1) await bus.publish(message(), { queue });
        await inbox.nth(3);
        await roundTrip(bus);
        expect(inbox.all).toHaveLength(3);
        expect(await inbox.all[1]?.ack()).toBe('ok');
        await inbox.nth(4);
        await roundTrip(bus);
        expect(inbox.all).toHaveLength(4);
      });

      test('shares a queue between consumers', async () => {
        const inboxes = [await inboxOf(bus, queue, { prefetch: 5 }), await inboxOf(bus, queue, { prefetch: 5 })];
        for (let n = 0; n < 10; n += 1) await bus.publish(message(), { queue });
        await Promise.all(inboxes.map((inbox) => inbox.nth(5)));
        expect(new Set(inboxes.flatMap((inbox) => inbox.ids())).size).toBe(10);
      });

      test('hands out again what is given back, and says so', async () => {
        const inbox = await inboxOf(bus, queue);
        await bus.publish(message(), { queue });
        expect(await (await inbox.nth(1)).requeue()).toBe('ok');
        const { redelivered, previousDeliveries } = await inbox.nth(2);
        expect({ redelivered, previousDeliveries }).toEqual({ redelivered: true, previousDeliveries: 1 });
      });

      test('gives back what its handler threw at, and goes on', async () => {
        let throws = 2;
        const inbox = await inboxOf(bus, queue, {
          handle: async (delivery) => {
            if (delivery.message.trace === 'bad' && throws-- > 0) throw new Error('on purpose');
            await delivery.ack();
          },
        });
        await bus.publish(message('bad'), { queue });
        await bus.publish(message('good'), { queue });
        await eventually('all of them', () => inbox.all.length === 4);
        expect(inbox.all.filter((delivery) => delivery.message.trace === 'bad')).toHaveLength(3);
        expect(inbox.all.at(-1)?.previousDeliveries ?? 0).toBeLessThanOrEqual(2);
      });

      test('lets the first decision stand', async () => {
        const inbox = await inboxOf(bus, queue);
        await bus.publish(message(), { queue });
        const delivery = await inbox.nth(1);
        expect(await delivery.ack()).toBe('ok');
        expect(await delivery.requeue()).toBe('stale');
        expect(await delivery.ack()).toBe('stale');
        expect(await delivery.delay('5s')).toBe('stale');
        expect(await delivery.dead('no')).toBe('stale');
        await roundTrip(bus);
        expect(inbox.all).toHaveLength(1);
      });

      test('gives to others what comes in while it cancels', async () => {
        await bus.declare(queue);
        // Enough for several reads of a socket, so that some arrive after the cancel.
        const sent = Array.from({ length: 1_000 }, () => message());
        await Promise.all(sent.map((each) => bus.publish(each, { queue })));
        const taken: string[] = [];
        const flowing = Promise.withResolvers<void>();
        const first = await bus.consume(queue, { prefetch: 1_000 }, async (delivery) => {
          taken.push(delivery.message.id);
          await delivery.ack();
          flowing.resolve();
        });
        await flowing.promise;
        const cancelled = first.cancel();
        const before = taken.length;
        await cancelled;
        const second = await inboxOf(bus, queue, { handle: acking });
        await second.nth(sent.length - before);
        expect(taken).toHaveLength(before);
        expect(new Set([...taken, ...second.ids()])).toEqual(new Set(sent.map(({ id }) => id)));
      });

      test('takes nothing more after a cancel; what was handed out can be settled, the rest is for others', async () => {
        const first = await inboxOf(bus, queue, { prefetch: 1 });
        const [one, two] = [message('1'), message('2')];
        await bus.publish(one, { queue });
        await bus.publish(two, { queue });
        const held = await first.nth(1);
        await first.cancel();
        const second = await inboxOf(bus, queue);
        expect((await second.nth(1)).message.id).toBe(two.id);
        expect(await held.ack()).toBe('ok');
        await roundTrip(bus);
        expect(first.ids()).toEqual([one.id]);
        expect(second.ids()).toEqual([two.id]);
      });
    });

    describe('delays', () => {
      test('hands a delayed delivery out again after the rung, as new', async () => {
        const inbox = await inboxOf(bus, queue);
        const sent = message();
        await bus.publish(sent, { queue });
        const delivery = await inbox.nth(1);
        const began = Date.now();
        expect(await delivery.delay('5s')).toBe('ok');
        const again = await inbox.nth(2);
        // The broker's clock and ours may differ by a few milliseconds.
        expect(Date.now() - began).toBeGreaterThanOrEqual(testDelays['5s'] - 20);
        expect(again.message).toEqual(sent);
        expect(again).toMatchObject({ redelivered: false, previousDeliveries: 0 });
        expect(await again.ack()).toBe('ok');
      });

      test('puts another message in the place of the delayed, and nothing else comes', async () => {
        const inbox = await inboxOf(bus, queue);
        const [sent, instead] = [message('first'), message('instead')];
        await bus.publish(sent, { queue });
        const delivery = await inbox.nth(1);
        const began = Date.now();
        expect(await delivery.delay('5s', instead)).toBe('ok');
        const again = await inbox.nth(2);
        expect(Date.now() - began).toBeGreaterThanOrEqual(testDelays['5s'] - 20);
        expect(again).toMatchObject({ message: instead, redelivered: false, previousDeliveries: 0 });
        expect(await again.dead('seen')).toBe('ok');
        // The id it died under is that of the message that took the place.
        expect(await (await graveyardOf(bus)).nth(1)).toMatchObject({ id: instead.id, message: instead });
        await roundTrip(bus);
        expect(inbox.ids()).toEqual([sent.id, instead.id]);
      });

      test.each(allReplies)('brings replies back to their own queue: %j', async (own) => {
        const inbox = await inboxOf(bus, own);
        const elsewhere = [queue, ...allReplies.filter((each) => each !== own)];
        const others = await Promise.all(elsewhere.map((each) => inboxOf(bus, each)));
        const sent = message();
        expect(await bus.publish(sent, { queue: own, delay: '5s' })).toBe('ok');
        await (await inbox.nth(1)).delay('5s');
        expect((await inbox.nth(2)).message).toEqual(sent);
        expect(await inbox.all[1]?.ack()).toBe('ok');
        expect(others.flatMap(({ all }) => all)).toEqual([]);
      });

      test('publishes with a delay, and lets a short one overtake a long one', async () => {
        const inbox = await inboxOf(bus, queue);
        const [slow, quick] = [message(), message()];
        const began = performance.now();
        expect(await bus.publish(slow, { queue, delay: '2m' })).toBe('ok');
        expect(await bus.publish(quick, { queue, delay: '5s' })).toBe('ok');
        expect((await inbox.nth(1)).message.id).toBe(quick.id);
        expect(performance.now() - began).toBeGreaterThanOrEqual(testDelays['5s'] - 20);
        const other = message();
        expect(await bus.publish(other, { queue, delay: '30s' })).toBe('ok');
        expect((await inbox.nth(2)).message.id).toBe(other.id);
      });

      test('counts no lap of the ladder toward the delivery limit', async () => {
        const inbox = await inboxOf(bus, queue, {
          handle: async (delivery) => {
            await (inbox.all.length <= 3 ? delivery.delay('5s') : delivery.ack());
          },
        });
        await bus.publish(message(), { queue });
        await inbox.nth(4);
        expect(inbox.all.map((delivery) => delivery.previousDeliveries)).toEqual([0, 0, 0, 0]);
      });
    });

    describe('its life', () => {
      test('keeps the contract of a service', () => checkServiceContract(() => lab.create()));

      test('tells its state', async () => {
        const fresh = lab.create();
        expect([fresh.state(), fresh.health().ok]).toEqual(['connecting', false]);
        expect([bus.state(), bus.health()]).toEqual(['ready', { ok: true }]);
        await bus.stop();
        expect([bus.state(), bus.health().ok]).toEqual(['closed', false]);
      });

      test('hands out in the next process what this one left, and nothing that was settled', async () => {
        const inbox = await inboxOf(bus, queue, { prefetch: 3 });
        const sent = [message(), message(), message(), message(), message()];
        for (const each of sent) await bus.publish(each, { queue });
        await inbox.nth(3);
        await inbox.all[0]?.ack();
        await bus.stop();
        expect(await inbox.all[1]?.ack()).toBe('stale');

        const next = await lab.bus();
        const rest = await inboxOf(next, queue);
        await rest.nth(4);
        expect(new Set(rest.ids())).toEqual(new Set(sent.slice(1).map(({ id }) => id)));
        const unsettled = new Set(inbox.ids().slice(1));
        const cameBack = rest.all.filter(({ message: { id } }) => unsettled.has(id));
        expect(cameBack.map(({ redelivered }) => redelivered)).toEqual([...unsettled].map(() => true));
      });

      test('hands out in the next process what waits on the ladder', async () => {
        await bus.declare(queue);
        const sent = message();
        await bus.publish(sent, { queue, delay: '5s' });
        await bus.stop();
        const inbox = await inboxOf(await lab.bus(), queue);
        expect((await inbox.nth(1)).message).toEqual(sent);
      });

      test('waits for what is in hand when it is told to finish, and takes nothing new', async () => {
        const inbox = await inboxOf(bus, queue, { prefetch: 1 });
        await bus.publish(message(), { queue });
        await bus.publish(message(), { queue });
        const held = await inbox.nth(1);
        let finished = false;
        const quiet = bus.quiesce(new AbortController().signal).then(() => {
          finished = true;
        });
        // Handlers that finish may still publish; this also takes longer than a cancel alone.
        for (let n = 0; n < 20; n += 1) expect(await bus.publish(message(), { queue })).toBe('ok');
        expect(finished).toBe(false);
        expect(await held.ack()).toBe('ok');
        await quiet;
        expect(inbox.all).toHaveLength(1);
      });

      test('gives up waiting when it is forced', async () => {
        const inbox = await inboxOf(bus, queue);
        await bus.publish(message(), { queue });
        await inbox.nth(1);
        const force = new AbortController();
        const quiet = bus.quiesce(force.signal);
        force.abort();
        await quiet;
        await bus.stop();
        const rest = await inboxOf(await lab.bus(), queue);
        expect((await rest.nth(1)).redelivered).toBe(true);
      });

      test('refuses work when it is stopped', async () => {
        await bus.declare(queue);
        await bus.stop();
        expect(await bus.publish(message(), { queue })).toBe('unknown');
        expect(await bus.broadcast(message())).toBe('unknown');
        const refusals = [
          bus.declare(queue),
          bus.consume(queue, { prefetch: 1 }, acking),
          bus.consumeDead({ prefetch: 1 }, async () => {}),
          bus.onBroadcast(() => {}),
        ].map((call) => call.then(() => 'taken').catch((err: unknown) => hasCode(err, 'MOLT_SHUTTING_DOWN')));
        expect(await Promise.all(refusals)).toEqual([true, true, true, true]);
      });
    });

    /** The same broker, with the first process gone. */
    async function replace(): Promise<BusLab> {
      await bus.stop();
      return lab;
    }
  });
}
