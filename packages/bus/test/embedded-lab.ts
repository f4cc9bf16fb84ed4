import { type MessageJournal, newId, silentLogger } from '@moltbot/shared';
import { createEmbeddedBus, type EmbeddedBusOptions } from '../src/embedded/embedded-bus.ts';
import type { Bus } from '../src/port.ts';
import { type BusLab, testDelays } from './bus-lab.ts';

export interface EmbeddedLab extends BusLab {
  create(options?: Partial<EmbeddedBusOptions>): Bus;
  bus(options?: Partial<EmbeddedBusOptions>): Promise<Bus>;
}

export function openEmbeddedLab(journal: MessageJournal): EmbeddedLab {
  const buses: Bus[] = [];
  const create = (options: Partial<EmbeddedBusOptions> = {}): Bus => {
    const bus = createEmbeddedBus({ journal, log: silentLogger, delays: testDelays, ...options });
    buses.push(bus);
    return bus;
  };
  return {
    create,
    bus: async (options) => {
      const bus = create(options);
      await bus.start();
      return bus;
    },
    inject: async ({ pool, tenant, priority }, bytes) => {
      const queue = `runs.${pool}.${tenant}.${priority}`;
      await journal.append({ queue, messageId: newId(), bytes, notBefore: 0 });
    },
    parked: async () => {
      const entries = await journal.read('parked', 0, 100);
      for (const { seq } of entries) await journal.remove(seq);
      return entries.map(({ bytes }) => bytes);
    },
    close: async () => {
      await Promise.all(buses.map((bus) => bus.stop()));
    },
  };
}
