import { eventually } from '@moltbot/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Bus } from '../src/port.ts';
import { type BusLab, message, recalled, roundTrip } from './bus-lab.ts';

/** What every bus must do with what is for everybody. */
export function broadcastsConformance(implementation: string, open: () => Promise<BusLab>): void {
  describe(`broadcasts over a bus (${implementation})`, () => {
    let lab: BusLab;
    let bus: Bus;

    beforeEach(async () => {
      lab = await open();
      bus = await lab.bus();
    });
    afterEach(() => lab.close());

    test('reach every handler that listens, and none that has stopped', async () => {
      const heard: string[] = [];
      const first = await bus.onBroadcast(({ id }) => heard.push(`1 ${id}`));
      await bus.onBroadcast(() => {
        throw new Error('on purpose');
      });
      await bus.onBroadcast(({ id }) => heard.push(`2 ${id}`));
      const [one, two] = [message(), message()];
      expect(await bus.broadcast(one)).toBe('ok');
      await eventually('both', () => heard.length === 2);
      await first.cancel();
      expect(await bus.broadcast(two)).toBe('ok');
      await eventually('the one left', () => heard.length === 3);
      await roundTrip(bus);
      expect(heard).toEqual([`1 ${one.id}`, `2 ${one.id}`, `2 ${two.id}`]);
    });

    test('are ok when nobody listens', async () => {
      expect(await bus.broadcast(message())).toBe('ok');
    });

    test('can be recalled, as often as is wanted, by who comes later and in the next process', async () => {
      const sent = [message(), message(), message()];
      for (const each of sent) expect(await bus.broadcast(each)).toBe('ok');
      const since = Date.now() - 60_000;
      expect(await recalled(bus, { since })).toEqual(sent);
      expect(await Promise.all([recalled(bus, { since }), recalled(bus, { since })])).toEqual([sent, sent]);
      const after = await bus.recall({ since }, () => {});
      expect(await recalled(bus, { after })).toEqual([]);
      const late = message();
      await bus.broadcast(late);
      await bus.stop();
      const next = await lab.bus();
      expect(await recalled(next)).toEqual([...sent, late]);
      expect(await recalled(next, { after })).toEqual([late]);
      expect(await recalled(next, { since: Date.now() + 60_000 })).toEqual([]);
    });

    test('are recalled by the hundreds, in their order', async () => {
      const sent = Array.from({ length: 1_100 }, () => message());
      await Promise.all(sent.map((each) => bus.broadcast(each)));
      expect((await recalled(bus)).map(({ id }) => id)).toEqual(sent.map(({ id }) => id));
    });

    test('cannot be recalled from a bus that is not there', async () => {
      const fresh = lab.create();
      await expect(recalled(fresh)).rejects.toMatchObject({ code: 'MOLT_BUS_DOWN' });
    });
  });
}
