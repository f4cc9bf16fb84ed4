import { setTimeout as delay } from 'node:timers/promises';
import {
  envelope,
  isFinal,
  isLegalRunMove,
  type RunClass,
  type RunOrder,
  type RunRecord,
  type RunState,
  watchOf,
} from '@moltbot/shared';
import type { TaskEvent } from '@moltbot/store';
import { eventually } from '@moltbot/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createShiftedClock } from './support/clock.ts';
import { createFakeTransport, type FakeCommand, type FakeTransport } from './support/fake-transport.ts';
import { createForgetfulStore, type ForgetfulStore } from './support/forgetful-store.ts';
import { type Lab, openLab, queue, type Worker } from './support/lab.ts';

const leaseMs = 10_000;

type Step =
  | { readonly kind: 'accept'; readonly runClass: RunClass; readonly retries: number }
  | { readonly kind: 'publish again' | 'cancel'; readonly run: number }
  | { readonly kind: 'break link' | 'kill' | 'hand over' | 'store down' | 'store up'; readonly worker: 0 | 1 }
  | { readonly kind: 'freeze' | 'hold acks' | 'refuse' | 'recover'; readonly worker: 0 | 1 }
  | { readonly kind: 'leases end' | 'cut host' | 'mend host' | 'empty store' }
  | { readonly kind: 'wait'; readonly ms: number };

const worker = fc.constantFrom(0 as const, 1 as const);
const run = fc.nat(5);
const runClass = fc.constantFrom<RunClass>('guarded', 'guarded', 'readonly', 'at-most-once');
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('accept' as const), runClass, retries: fc.nat(2) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('publish again' as const), run }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cancel' as const), run }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('break link' as const), worker }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('kill' as const, 'hand over' as const), worker }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('store down' as const, 'store up' as const), worker }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('freeze' as const, 'recover' as const), worker }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('hold acks' as const, 'refuse' as const), worker }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('leases end' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('cut host' as const, 'mend host' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('empty store' as const) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(15) }) },
);

interface Span {
  readonly connect: number;
  readonly end: number;
}

/** Commands that connect, print and end after times of their own; the same run takes the same times wherever it is tried. */
function createBusyHost(times: readonly Span[]): FakeTransport {
  const spanOf = (text: string): Span => times[Number(text) % times.length] ?? { connect: 0, end: 0 };
  const live = async (command: FakeCommand): Promise<void> => {
    const { connect, end } = spanOf(command.run.spec.command);
    await delay(connect);
    command.connect();
    if (command.run.guard) return;
    await delay(end);
    await command.print('ab');
    command.end({ exitCode: 0 });
  };
  return createFakeTransport({
    // Some hosts are connected already, so that both ways to a start are taken.
    isReady: () => times.length % 2 === 0,
    onCommand: (command) => void live(command).catch(() => {}),
    async onLaunch(text, record) {
      const { end } = spanOf(text);
      record.print('a');
      await delay(end);
      record.print('b');
      record.end({ exitCode: 0 });
    },
  });
}

interface Played {
  readonly orders: readonly RunOrder[];
  /** Runs that had ended when the store was emptied. */
  readonly forgotten: ReadonlyMap<string, RunRecord>;
  readonly wasEmptied: boolean;
  /** Starts of what was cancelled, when that was said. */
  readonly cancelled: ReadonlyMap<RunOrder, number>;
}

async function play(
  { lab, host, forgetful }: { readonly lab: Lab; readonly host: FakeTransport; readonly forgetful: ForgetfulStore },
  steps: readonly Step[],
): Promise<Played> {
  const orders: RunOrder[] = [];
  const forgotten = new Map<string, RunRecord>();
  const cancelled = new Map<RunOrder, number>();
  const start = (): Promise<Worker> =>
    lab.worker({
      ...{ transports: [host], leaseMs, slots: 2, clock: lab.clock, watchAfterMs: 60 },
      patience: { reattachMs: 20, giveUpMs: 3_600_000 },
    });
  const workers = [await start(), await start()];
  const held: [(() => void)[], (() => void)[]] = [[], []];
  const recover = (at: 0 | 1): void => {
    for (const release of held[at].splice(0)) release();
    workers[at]?.store.up();
    workers[at]?.link.refusePublications(false);
    workers[at]?.link.refuseDelays(false);
  };
  const actions: { readonly [K in Step['kind']]: (step: Extract<Step, { kind: K }>) => Promise<unknown> } = {
    accept: async ({ runClass: of, retries }) =>
      orders.push(await lab.accept({ command: String(orders.length), class: of, retries })),
    async 'publish again'({ run: at }) {
      const order = orders[at];
      if (!order) return;
      const { runId, task } = order;
      const fields = { tenant: 'acme', trace: task.trace, body: order, id: runId, at: task.acceptedAt };
      await lab.bus.publish(watchOf(envelope('run', fields)), { queue });
      // A copy that was never handed out says nothing to an emptied store: only a record on the target can.
      if (task.class !== 'at-most-once') await lab.publish(order);
    },
    async cancel({ run: at }) {
      const order = orders[at];
      if (!order) return;
      const taskId = order.task.id;
      const outcome = await lab.store.requestCancel('acme', taskId);
      await lab.bus.broadcast(envelope('cancel', { tenant: 'acme', trace: 't', body: { taskId } }));
      if (outcome.kind === 'requested' && outcome.state === 'cancelled') cancelled.set(order, host.sent(String(at)));
    },
    'break link': async ({ worker: at }) => workers[at]?.link.breakLink(),
    async kill({ worker: at }) {
      await workers[at]?.die();
      recover(at);
      workers[at] = await start();
    },
    /** What it held comes back to the queue, as it says nothing; it goes on where it was when it thaws. */
    async freeze({ worker: at }) {
      const worker = workers[at];
      if (!worker) return;
      held[at]?.push(worker.store.hold());
      await worker.link.breakLink();
    },
    async 'hold acks'({ worker: at }) {
      const release = workers[at]?.link.holdAcks();
      if (release) held[at]?.push(release);
    },
    async refuse({ worker: at }) {
      workers[at]?.link.refusePublications(true);
      workers[at]?.link.refuseDelays(true);
    },
    recover: async ({ worker: at }) => recover(at),
    async 'hand over'({ worker: at }) {
      recover(at);
      await workers[at]?.executor.quiesce(AbortSignal.abort());
      await workers[at]?.executor.stop();
      workers[at] = await start();
    },
    'store down': async ({ worker: at }) => workers[at]?.store.down(),
    'store up': async ({ worker: at }) => workers[at]?.store.up(),
    'leases end': async () => lab.clock.advance(leaseMs + 1),
    'cut host': async () => host.cut(),
    'mend host': async () => host.mend(),
    async 'empty store'() {
      for (const record of await forgetful.empty(orders.map(({ task }) => task.id))) forgotten.set(record.id, record);
    },
    wait: ({ ms }) => delay(ms),
  };
  const act = <K extends Step['kind']>(next: Extract<Step, { kind: K }>): Promise<unknown> =>
    (actions[next.kind as K] as (step: Extract<Step, { kind: K }>) => Promise<unknown>)(next);
  for (const next of steps) await act(next);
  recover(0);
  recover(1);
  host.mend();
  return { orders, forgotten, cancelled, wasEmptied: steps.some(({ kind }) => kind === 'empty store') };
}

/** A claim leaves no event: it may lie between two states. */
function assertLegal(events: readonly TaskEvent[]): void {
  let state: RunState = 'queued';
  for (const event of events) {
    if (event.kind !== 'run') continue;
    const isLegal =
      isLegalRunMove(state, event.state) ||
      (isLegalRunMove(state, 'claimed') && isLegalRunMove('claimed', event.state)) ||
      (state === event.state && !isFinal(state));
    expect(isLegal, `${state} → ${event.state}`).toBe(true);
    state = event.state;
  }
}

/** The run as it stands, or as it stood when it was forgotten. A run that the store has not learned yet has a message. */
const recordOf = (lab: Lab, order: RunOrder, { forgotten }: Played): Promise<RunRecord | undefined> =>
  lab.run(order).catch(() => forgotten.get(order.runId));

async function assertTrue(lab: Lab, host: FakeTransport, played: Played): Promise<void> {
  for (const [at, order] of played.orders.entries()) {
    const record = await recordOf(lab, order, played);
    if (!record) return expect.fail(order.runId);
    const { state } = record;
    const text = String(at);
    const what = `${order.task.class} ${text}, ${state} ${record.error?.message}`;
    if (order.task.class !== 'readonly') expect(host.sent(text), `starts of ${what}`).toBeLessThanOrEqual(1);
    if (state === 'succeeded' && !played.forgotten.has(order.runId)) {
      const output = await lab.stdout(order);
      if (order.task.class === 'readonly') expect(output, what).toMatch(/ab$/);
      else expect(output, what).toBe('ab');
    }
    if (state === 'cancelled') expect(host.target.record(order.runId)?.isRunning() ?? false, what).toBe(false);
    // What was said to be cancelled never starts any more, also when the store was emptied since.
    if (played.cancelled.has(order)) expect(host.sent(text), what).toBe(played.cancelled.get(order));
    // An emptied store cannot know of a start.
    if (state === 'cancelled' && !played.wasEmptied && record.startedAt === undefined && record.history.length === 0)
      expect(host.sent(text), what).toBe(0);
    assertLegal(await lab.store.readEvents('acme', order.task.id, 0, 1_000));
  }
}

test('whatever happens to two executors, what may not run twice does not, and each run comes to a true end', async () => {
  const times = fc.array(fc.record({ connect: fc.nat(25), end: fc.nat(40) }), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(times, fc.array(step, { minLength: 5, maxLength: 40 }), async (spans, steps) => {
      const clock = createShiftedClock();
      const forgetful = createForgetfulStore(clock);
      const lab = await openLab({ shared: forgetful.store, clock });
      const host = createBusyHost(spans);
      const played = await play({ lab, host, forgetful }, steps);
      await eventually('every run to end', async () => {
        // Whoever was killed gives up its leases in time.
        lab.clock.advance(leaseMs / 2);
        const records = await Promise.all(played.orders.map((order) => recordOf(lab, order, played)));
        return records.every((record) => record && isFinal(record.state));
      });
      const starts = played.orders.map((_, at) => host.sent(String(at)));
      await lab.settled();
      await assertTrue(lab, host, played);
      await lab.close();
      for (const [at, { task }] of played.orders.entries())
        if (task.class !== 'readonly') expect(host.sent(String(at))).toBe(starts[at]);
    }),
    { numRuns: 60, endOnFailure: true },
  );
}, 300_000);
