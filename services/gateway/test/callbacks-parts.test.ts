import {
  type Bus,
  type DelayRung,
  type Delivery,
  type DeliveryHandler,
  delayRungs,
  type SettleOutcome,
} from '@moltbot/bus';
import { type RunRecord, runIdOf, silentLogger, systemClock } from '@moltbot/shared';
import { checkServiceContract } from '@moltbot/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createReceiverPlaces, type Taken } from '../src/callbacks/receiver-places.ts';
import { replyToBody } from '../src/callbacks/reply-to-body.ts';
import { rungAfter } from '../src/callbacks/retry-ladder.ts';
import { tryPost } from '../src/callbacks/try-post.ts';
import { createDeliverer, newTask, openCallbacksLab, replyMessage, secret, startReceiver } from './callbacks-lab.ts';

test('callbacks keep the contract of a service', async () => {
  const lab = await openCallbacksLab();
  await checkServiceContract(() => createDeliverer({ store: lab.store, bus: lab.bus() }).service);
});

test('callbacks are as healthy as their bus', async () => {
  const lab = await openCallbacksLab();
  const { service } = await lab.deliverer();
  expect(service.health()).toEqual({ ok: true });
  await lab.bus().stop();
  expect(service.health()).toEqual({ ok: false, detail: 'the bus is closed' });
});

test('a reply that came back often takes a lap, so that the deaths of others do not make it a dead letter', async () => {
  const lab = await openCallbacksLab();
  const receiver = await startReceiver();
  const take = Promise.withResolvers<DeliveryHandler>();
  const consume: Bus['consume'] = async (_queue, _options, handler) => {
    take.resolve(handler);
    return { cancel: async () => {} };
  };
  const { service } = createDeliverer({ store: lab.store, bus: { consume, state: () => 'ready' } });
  await service.start();
  const settled: string[] = [];
  const settle = (how: string) => async (): Promise<SettleOutcome> => {
    settled.push(how);
    return 'ok';
  };
  const delivery: Delivery = {
    ...{ message: replyMessage(newTask(receiver.url)), redelivered: true, previousDeliveries: 10 },
    ...{ ack: settle('ack'), requeue: settle('requeue'), dead: settle('dead') },
    delay: (rung) => settle(rung)(),
  };
  await (await take.promise)(delivery);
  expect(settled).toEqual(['5s']);
  expect(receiver.posts).toHaveLength(0);
  await service.stop();
});

test('the ladder: 5 s, 30 s, 2 min, then 10 min for ever', () => {
  expect(Array.from({ length: 6 }, (_, tries) => rungAfter(tries))).toEqual(['5s', '30s', '2m', '10m', '10m', '10m']);
});

test('what the receiver asks for is never cut short but by the last rung, and never shortens a wait', () => {
  const ms = (rung: DelayRung): number => delayRungs[rung];
  fc.assert(
    fc.property(fc.nat(20), fc.nat(1_000_000), (tries, asked) => {
      const got = ms(rungAfter(tries, asked));
      expect(got).toBeGreaterThanOrEqual(Math.min(asked, ms('10m')));
      expect(got).toBeGreaterThanOrEqual(ms(rungAfter(tries)));
      expect(got).toBeLessThanOrEqual(ms(rungAfter(tries + 1, asked)));
    }),
  );
});

test('a failure without a message is told by its code', async () => {
  const refused = Object.assign(new AggregateError([], ''), { code: 'ECONNREFUSED' });
  const poster = { post: () => Promise.reject(refused), close: () => {} };
  const deps = { store: { getRuns: async () => [] }, poster, clock: systemClock, log: silentLogger };
  const message = replyMessage(newTask('http://localhost/'));
  const to = { url: new URL('http://localhost/'), secret };
  const verdict = await tryPost(message, to, { ...deps, handOver: new AbortController().signal });
  expect(verdict).toEqual({ kind: 'failed', why: 'ECONNREFUSED', hung: false, retryAfterMs: 0 });
});

const run = (index: number, more: Partial<RunRecord> = {}): RunRecord => ({
  ...{ id: runIdOf('0199e7a0-0000-7000-8000-000000000000', index), index, target: `web-${index}`, state: 'succeeded' },
  ...{ attempts: 1, truncated: false, history: [], stdoutBytes: 3, stderrBytes: 0 },
  ...more,
});

const dataOf = (body: Buffer): Record<string, unknown> => JSON.parse(body.toString()).data;

test('a post tells of each run what people and programs need to know', () => {
  const { body: reply } = replyMessage(newTask('http://127.0.0.1/'));
  const failure = { code: 'MOLT_RUN_TIMEOUT', message: 'it took too long', remedy: 'Raise `timeout`.' } as const;
  const runs = [
    run(0, { exitCode: 0, worker: 'w', startedAt: 1_000, finishedAt: 2_000 }),
    run(1, { state: 'timed-out', signal: 'KILL', error: failure, attempts: 2 }),
  ];
  const text = replyToBody(reply, runs).toString();
  expect(dataOf(Buffer.from(text))['runs']).toEqual([
    {
      ...{ id: runs[0]?.id, target: 'web-0', state: 'succeeded', exitCode: 0, stdoutBytes: 3, stderrBytes: 0 },
      ...{ attempts: 1, startedAt: '1970-01-01T00:00:01.000Z', finishedAt: '1970-01-01T00:00:02.000Z' },
    },
    {
      ...{ id: runs[1]?.id, target: 'web-1', state: 'timed-out', signal: 'KILL', stdoutBytes: 3, stderrBytes: 0 },
      ...{ attempts: 2, error: { code: 'MOLT_RUN_TIMEOUT', message: 'it took too long' } },
    },
  ]);
  expect(text).not.toContain('whsec_');
});

test('a post tells of a thousand runs, and how many more there are', () => {
  const { body: reply } = replyMessage(newTask('http://127.0.0.1/'));
  const runs = Array.from({ length: 1_003 }, (_, index) => run(index));
  expect(dataOf(replyToBody(reply, runs))).toMatchObject({ more: 3, runs: { length: 1_000 } });
  expect(dataOf(replyToBody(reply, runs.slice(3)))).not.toHaveProperty('more');
  expect(dataOf(replyToBody(reply, []))).not.toHaveProperty('runs');
});

test('whoever counted, and in whatever order: the same bytes', () => {
  const { body } = replyMessage(newTask('http://127.0.0.1/'));
  const one = replyToBody({ ...body, counts: { failed: 1, succeeded: 2 }, tries: 0 }, []);
  const other = replyToBody({ ...body, counts: { succeeded: 2, failed: 1 }, tries: 7 }, []);
  expect(one.equals(other)).toBe(true);
});

/** Places over a clock that the test moves. */
function openPlaces() {
  let now = 0;
  const clock = { ...systemClock, monotonic: () => now };
  const places = createReceiverPlaces(clock);
  const leave = (taken: Taken | undefined, hung = false): void => {
    if (taken?.kind !== 'place') throw new Error(`it is ${taken?.kind}`);
    taken.leave({ hung });
  };
  const fill = (name: string): Promise<Taken[]> => Promise.all(Array.from({ length: 4 }, () => places.take(name)));
  return {
    places,
    leave,
    fill,
    advance: (ms: number) => {
      now += ms;
    },
  };
}

test('a receiver has four places, whoever comes next waits a moment for one', async () => {
  const { places, leave, fill } = openPlaces();
  const first = await fill('a');
  expect(first.map(({ kind }) => kind)).toEqual(['place', 'place', 'place', 'place']);
  const fifth = places.take('a');
  expect((await places.take('b')).kind).toBe('place');
  leave(first[2]);
  expect((await fifth).kind).toBe('place');
  expect(places.taken()).toBe(5);
});

test('nobody waits at a receiver that is slow: a lap is shorter', async () => {
  const { places, leave, fill, advance } = openPlaces();
  const first = await fill('a');
  advance(1_000);
  expect(await places.take('a')).toEqual({ kind: 'full', lap: '5s' });
  leave(first[0]);
  expect((await places.take('a')).kind).toBe('place');
});

test('a receiver that hung has one place until it answers', async () => {
  const { places, leave, fill } = openPlaces();
  for (const post of await fill('a')) leave(post, true);
  const probe = await places.take('a');
  expect(probe.kind).toBe('place');
  expect(await places.take('a')).toEqual({ kind: 'full', lap: '30s' });
  leave(probe);
  expect((await fill('a')).map(({ kind }) => kind)).toEqual(['place', 'place', 'place', 'place']);
});

test('closing sends away whoever waits, and whoever comes', async () => {
  const { places, fill } = openPlaces();
  await fill('a');
  const waiting = places.take('a');
  places.close();
  expect([(await waiting).kind, (await places.take('b')).kind]).toEqual(['closed', 'closed']);
});

test('whatever comes and goes: four places a receiver at most, and none is lost', async () => {
  const names = ['a', 'b', 'c'];
  const step = fc.record({ name: fc.constantFrom(...names), leaves: fc.boolean(), hung: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const { places, leave, advance } = openPlaces();
      const held = new Map<string, Taken[]>(names.map((name) => [name, []]));
      for (const { name, leaves, hung } of steps) {
        const own = held.get(name) ?? [];
        // Nobody is patient here: what is full says so at once.
        advance(1_000);
        if (leaves && own.length > 0) leave(own.shift(), hung);
        else {
          const taken = await places.take(name);
          if (taken.kind === 'place') own.push(taken);
          else expect(own.length).toBeGreaterThan(0);
        }
        expect(own.length).toBeLessThanOrEqual(4);
        expect(places.taken()).toBe([...held.values()].flat().length);
      }
      for (const name of names) for (const taken of held.get(name) ?? []) leave(taken);
      for (const name of names) expect((await places.take(name)).kind).toBe('place');
    }),
  );
});
