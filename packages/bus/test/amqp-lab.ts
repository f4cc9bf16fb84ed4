import { newId, Secret, silentLogger } from '@moltbot/shared';
import type { TestRabbitmq } from '@moltbot/testkit';
import { type AmqpBusOptions, createAmqpBus } from '../src/amqp/amqp-bus.ts';
import type { Bus } from '../src/port.ts';
import { type BusLab, testDelays } from './bus-lab.ts';
import { onRawChannel } from './raw-amqp.ts';

/** A vhost of its own, and buses on it. */
export interface AmqpLab extends BusLab {
  readonly url: string;
  create(options?: Partial<AmqpBusOptions>): Bus;
  bus(options?: Partial<AmqpBusOptions>): Promise<Bus>;
}

export async function openAmqpLab(rabbitmq: TestRabbitmq): Promise<AmqpLab> {
  const url = await rabbitmq.vhost(newId());
  const buses: Bus[] = [];
  const create = (options: Partial<AmqpBusOptions> = {}): Bus => {
    const settings = { url: new Secret(url), name: 'test', log: silentLogger, delays: testDelays };
    const bus = createAmqpBus({ ...settings, ...options });
    buses.push(bus);
    return bus;
  };
  return {
    url,
    create,
    bus: async (options) => {
      const bus = create(options);
      await bus.start();
      return bus;
    },
    inject: (queue, bytes) =>
      onRawChannel(url, async (channel) => {
        const replies = queue.kind === 'replies';
        const key = replies ? `replies.${queue.platform}` : `${queue.pool}.${queue.tenant}.${queue.priority}`;
        channel.publish('moltbot.v1.runs', key, bytes, { persistent: true });
        await channel.checkQueue(`moltbot.v1.${replies ? '' : 'runs.'}${key}`);
      }),
    close: async () => {
      await Promise.all(buses.map((bus) => bus.stop()));
    },
  };
}
