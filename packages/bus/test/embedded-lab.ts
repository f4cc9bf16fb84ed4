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
    inject: async (ref, bytes) => {
      const queue =
        ref.kind === 'replies' ? `replies.${ref.platform}` : `runs.${ref.pool}.${ref.tenant}.${ref.priority}`;
      await journal.append({ queue, messageId: newId(), bytes, notBefore: 0 });
    },
    close: async () => {
      await Promise.all(buses.map((bus) => bus.stop()));
    },
  };
}
