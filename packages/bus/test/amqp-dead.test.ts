import { Secret } from '@moltbot/shared';
import { eventually, startRabbitmq, startTcpProxy, type TestRabbitmq } from '@moltbot/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { Bus } from '../src/port.ts';
import { type AmqpLab, openAmqpLab } from './amqp-lab.ts';
import { graveyardOf, inboxOf, message, runs } from './bus-lab.ts';
import { drain, onRawChannel } from './raw-amqp.ts';

const queue = runs();

describe('the dead queue of a RabbitMQ that fails', () => {
  let rabbitmq: TestRabbitmq;
  let lab: AmqpLab;

  beforeAll(async () => {
    rabbitmq = await startRabbitmq();
  });
  afterAll(() => rabbitmq?.stop());
  beforeEach(async () => {
    lab = await openAmqpLab(rabbitmq);
  });
  afterEach(() => lab.close());

  const ready = (bus: Bus): Promise<boolean> => eventually('a ready bus', () => bus.health().ok, { withinMs: 25_000 });
  const delivered = async (bus: Bus): Promise<void> => {
    await eventually('a publication that is kept', async () => (await bus.publish(message(), { queue })) === 'ok');
  };

  test('a reader of the dead whose queue is deleted makes it again', async () => {
    const bus = await lab.bus();
    const graveyard = await graveyardOf(bus);
    await inboxOf(bus, queue, { handle: async (delivery) => void (await delivery.dead('no use')) });
    await onRawChannel(lab.url, (channel) => channel.deleteQueue('moltbot.v1.dead'));
    await delivered(bus);
    expect(await (await graveyard.nth(1)).ack()).toBe('ok');
    await ready(bus);
  });

  test('a link that is cut leaves the dead where they are: a stale ack is said, and they come again', async () => {
    const proxy = await startTcpProxy(rabbitmq.port);
    onTestFinished(() => proxy.stop());
    const proxied = new URL(lab.url);
    proxied.port = String(proxy.port);
    const bus = await lab.bus({ url: new Secret(proxied.href) });
    const graveyard = await graveyardOf(bus);
    // A link of its own: where the cut also took the ack of the first delivery, its message would rightly die twice.
    const other = await lab.bus();
    await inboxOf(other, queue, { handle: async (delivery) => void (await delivery.dead('no use')) });
    await delivered(other);
    const held = await graveyard.nth(1);
    proxy.cut();
    await eventually('the loss', () => bus.state() === 'connecting');
    proxy.heal();
    const again = await graveyard.nth(2);
    expect(await held.ack()).toBe('stale');
    expect(again).toMatchObject({ id: held.id, reason: 'no use', queue });
    expect(await again.ack()).toBe('ok');
    await ready(bus);
    await bus.stop();
    expect(await drain(lab.url, 'moltbot.v1.dead')).toEqual([]);
  });

  test('a dead message of a stranger, without an id or a known key, is handed out as it is', async () => {
    const bus = await lab.bus();
    const graveyard = await graveyardOf(bus);
    const bytes = Buffer.from('not ours');
    await onRawChannel(lab.url, async (channel) => {
      channel.publish('moltbot.v1.dead', 'some.key', bytes, { headers: { 'x-molt-reason': 7 } });
      await channel.checkQueue('moltbot.v1.dead');
    });
    const letter = await graveyard.nth(1);
    expect([letter.bytes, letter.queue, letter.message]).toEqual([bytes, undefined, undefined]);
    expect(letter.id).not.toBe('');
    expect(letter.reason).toMatch(/^MOLT_ENVELOPE: /);
  });
});
