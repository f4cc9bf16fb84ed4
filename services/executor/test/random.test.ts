import { setTimeout as delay } from 'node:timers/promises';
import { envelope, isFinal, type RunOrder } from '@moltbot/shared';
import { eventually } from '@moltbot/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createFakeTransport, type FakeCommand, type FakeTransport } from './support/fake-transport.ts';
import { type Lab, openLab, type Worker } from './support/lab.ts';

const leaseMs = 10_000;

type Step =
  | { readonly kind: 'accept' }
  | { readonly kind: 'publish again' | 'cancel'; readonly run: number }
  | { readonly kind: 'break link' | 'kill' | 'hand over' | 'store down' | 'store up'; readonly worker: 0 | 1 }
  | { readonly kind: 'leases end' }
  | { readonly kind: 'wait'; readonly ms: number };

const worker = fc.constantFrom(0 as const, 1 as const);
const run = fc.nat(5);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('accept' as const) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('publish again' as const), run }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cancel' as const), run }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('break link' as const), worker }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('kill' as const, 'hand over' as const), worker }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('store down' as const, 'store up' as const), worker }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('leases end' as const) }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(15) }) },
);

/** Commands that connect, print and end after times of their own; the same run takes the same times wherever it is tried. */
function createBusyHost(times: readonly { readonly connect: number; readonly end: number }[]): FakeTransport {
  const live = async (command: FakeCommand): Promise<void> => {
    const { connect, end } = times[Number(command.run.spec.command) % times.length] ?? { connect: 0, end: 0 };
    await delay(connect);
    command.connect();
    await delay(end);
    await command.print('x');
    command.end({ exitCode: 0 });
  };
  return createFakeTransport({
    // Some hosts are connected already, so that both ways to a start are taken.
    isReady: () => times.length % 2 === 0,
    onCommand: (command) => void live(command).catch(() => {}),
  });
}

async function play(lab: Lab, host: FakeTransport, steps: readonly Step[]): Promise<readonly RunOrder[]> {
  const orders: RunOrder[] = [];
  const start = (): Promise<Worker> => lab.worker({ transports: [host], leaseMs, slots: 2 });
  const workers = [await start(), await start()];
  const actions: { readonly [K in Step['kind']]: (step: Extract<Step, { kind: K }>) => Promise<unknown> } = {
    accept: async () => orders.push(await lab.accept({ command: String(orders.length) })),
    'publish again': async ({ run: at }) => orders[at] && lab.publish(orders[at]),
    async cancel({ run: at }) {
      const taskId = orders[at]?.task.id;
      if (taskId === undefined) return;
      await lab.store.requestCancel('acme', taskId);
      await lab.bus.broadcast(envelope('cancel', { tenant: 'acme', trace: 't', body: { taskId } }));
    },
    'break link': async ({ worker: at }) => workers[at]?.link.breakLink(),
    async kill({ worker: at }) {
      await workers[at]?.die();
      workers[at] = await start();
    },
    async 'hand over'({ worker: at }) {
      workers[at]?.store.up();
      await workers[at]?.executor.quiesce(AbortSignal.abort());
      await workers[at]?.executor.stop();
      workers[at] = await start();
    },
    'store down': async ({ worker: at }) => workers[at]?.store.down(),
    'store up': async ({ worker: at }) => workers[at]?.store.up(),
    'leases end': async () => lab.clock.advance(leaseMs + 1),
    wait: ({ ms }) => delay(ms),
  };
  const act = <K extends Step['kind']>(next: Extract<Step, { kind: K }>): Promise<unknown> =>
    (actions[next.kind as K] as (step: Extract<Step, { kind: K }>) => Promise<unknown>)(next);
  for (const next of steps) await act(next);
  for (const { store } of workers) store.up();
  return orders;
}

test('whatever happens to two executors, no run is started twice and each comes to its end', async () => {
  const times = fc.array(fc.record({ connect: fc.nat(25), end: fc.nat(40) }), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(times, fc.array(step, { minLength: 5, maxLength: 30 }), async (spans, steps) => {
      const lab = await openLab();
      const host = createBusyHost(spans);
      const orders = await play(lab, host, steps);
      await eventually('every run to end', async () => {
        // Whoever was killed gives up its leases in time.
        lab.clock.advance(leaseMs / 2);
        const records = await Promise.all(orders.map((order) => lab.run(order)));
        return records.every(({ state }) => isFinal(state));
      });
      await lab.settled();
      for (const [at, order] of orders.entries()) {
        const record = await lab.run(order);
        expect(host.sent(String(at)), `starts of ${at}, ${record.state}`).toBeLessThanOrEqual(1);
        if (record.state === 'succeeded') expect(await lab.stdout(order)).toBe('x');
        if (record.state === 'cancelled' && record.startedAt === undefined) expect(host.sent(String(at))).toBe(0);
      }
      await lab.close();
    }),
    { numRuns: 40, endOnFailure: true },
  );
}, 120_000);
