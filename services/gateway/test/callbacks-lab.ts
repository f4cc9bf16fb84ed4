import { randomBytes } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import { type Bus, createEmbeddedBus, type DeadDelivery, type DelayRung } from '@moltbot/bus';
import {
  type CallbacksConfig,
  type Clock,
  createRegistry,
  type Envelope,
  envelope,
  type Logger,
  newId,
  type Registry,
  type Reply,
  replyIdOf,
  type Service,
  silentLogger,
  systemClock,
  type Task,
} from '@moltbot/shared';
import { createSqliteStore, type SqliteStore } from '@moltbot/store';
import { eventually } from '@moltbot/testkit';
import { onTestFinished } from 'vitest';
import { type CallbacksDeps, createCallbacks } from '../src/callbacks/callbacks.ts';

export const secret: string = `whsec_${randomBytes(32).toString('base64')}`;
export const queue = { kind: 'replies', platform: 'http' } as const;
/** What waits for seconds and minutes waits here for ms. */
const delays = { '5s': 40, '30s': 50, '2m': 60, '10m': 70 } as const;

export interface CallbacksLab {
  readonly store: SqliteStore;
  /** The bus of the moment; the rungs that replies were put on are in `rungs`. */
  bus(): Bus;
  readonly rungs: readonly DelayRung[];
  /** Deliveries so far. */
  handedOut(): number;
  /** As kill -9 and a new start: what was not settled comes back. */
  restartBus(): Promise<void>;
  /** Started; stopped at the end of the test. */
  deliverer(options?: DelivererOptions): Promise<Deliverer>;
  /** Publishes the end of a task. */
  send(to: { readonly url: string } & Partial<Reply>): Promise<Task>;
  publish(message: Envelope): Promise<void>;
  /** Waits for the next dead letters, and takes them. */
  dead(count?: number): Promise<readonly DeadDelivery[]>;
  /** Waits until no reply is left on the bus. */
  settled(): Promise<void>;
}

export interface Deliverer {
  readonly service: Service;
  readonly registry: Registry;
  count(outcome: string): Promise<number>;
}

export type DelivererOptions = Partial<CallbacksConfig> & {
  readonly store?: CallbacksDeps['store'];
  readonly log?: Logger;
  readonly clock?: Clock;
};

/** A store and an embedded bus over its journal. */
export async function openCallbacksLab(): Promise<CallbacksLab> {
  const retention = { tasksMs: 3_600_000, outputMs: 3_600_000 };
  const store = createSqliteStore({ file: ':memory:', retention, log: silentLogger });
  await store.start();
  const rungs: DelayRung[] = [];
  let handedOut = 0;
  const openBus = async (): Promise<Bus> => {
    const opened = createEmbeddedBus({ journal: store.journal, log: silentLogger, delays });
    await opened.start();
    await opened.declare(queue);
    return observed(opened, {
      delivery: () => {
        handedOut += 1;
      },
      delay: (rung) => rungs.push(rung),
    });
  };
  let bus = await openBus();
  const services: Service[] = [];
  onTestFinished(async () => {
    for (const service of services) await service.stop();
    await bus.stop();
    await store.stop();
  });
  const publish = async (message: Envelope): Promise<void> => {
    const outcome = await bus.publish(message, { queue });
    if (outcome !== 'ok') throw new Error(`the publication was ${outcome}`);
  };
  return {
    ...{ store, rungs, publish },
    bus: () => bus,
    handedOut: () => handedOut,
    async restartBus() {
      await bus.stop();
      bus = await openBus();
    },
    async deliverer(options = {}) {
      const deliverer = createDeliverer({ store, bus }, options);
      services.push(deliverer.service);
      await deliverer.service.start();
      return deliverer;
    },
    async send({ url, ...reply }) {
      const message = replyMessage(reply.task ?? newTask(url), reply);
      await publish(message);
      return message.body.task;
    },
    async dead(count = 1) {
      const letters: DeadDelivery[] = [];
      const subscription = await bus.consumeDead({ prefetch: 10 }, async (letter) => {
        letters.push(letter);
        await letter.ack();
      });
      await eventually(`${count} dead letters`, () => letters.length >= count);
      await subscription.cancel();
      return letters;
    },
    async settled() {
      await eventually('an empty queue', async () => (await store.journal.count('replies.http')) === 0);
    },
  };
}

export function createDeliverer(
  ports: Pick<CallbacksDeps, 'bus' | 'store'>,
  { store = ports.store, log = silentLogger, clock = systemClock, ...callbacks }: DelivererOptions = {},
): Deliverer {
  const registry = createRegistry('test');
  const config = { allow: ['127.0.0.1'], timeoutMs: 5_000, giveUpAfterMs: 3_600_000, ...callbacks };
  const deps = { bus: ports.bus, store, callbacks: config, clock, log, registry };
  return {
    service: createCallbacks(deps),
    registry,
    async count(outcome) {
      const found = await registry.getSingleMetric('moltbot_callbacks_total')?.get();
      return found?.values.find(({ labels }) => labels['outcome'] === outcome)?.value ?? 0;
    },
  };
}

/** The time for tries is over once the condition holds. */
export const clockThatEndsWhen = (isOver: () => boolean): Clock => ({
  ...systemClock,
  now: () => systemClock.now() + (isOver() ? 3_600_000 : 0),
});

export function newTask(url: string, more: Partial<Task> = {}): Task {
  return {
    ...{ id: newId(), action: 'shell.run', args: { command: 'true' }, on: 'web-*', priority: 'interactive' },
    limits: { connectMs: 5_000, idleMs: 0, totalMs: 60_000, queueMs: 0, deadlineMs: 0, outputBytes: 1_000_000 },
    ...{ class: 'guarded', retries: 0, principal: { tenant: 'acme', id: 'key:1' } },
    origin: { kind: 'http', requestId: 'r-1', callback: { url, secret } },
    ...{ acceptedAt: systemClock.now(), trace: 'trace-1', runs: 1 },
    ...more,
  };
}

export function replyMessage(task: Task, more: Partial<Reply> = {}): Envelope<'reply'> {
  const body: Reply = {
    ...{ state: 'succeeded', counts: { succeeded: 1 }, finishedAt: systemClock.now(), tries: 0 },
    ...more,
    task,
  };
  return envelope('reply', { tenant: 'acme', trace: task.trace, body, id: replyIdOf(task.id) });
}

/** A post as it came. */
export interface Received {
  readonly at: number;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Receiver {
  readonly url: string;
  readonly port: number;
  readonly posts: readonly Received[];
  /** What it does not take twice: the ids it has seen. */
  ids(): ReadonlySet<string>;
  /** Most posts that it had at the same time. */
  busiest(): number;
  stop(): Promise<void>;
}

/** An HTTP server that keeps what is posted, and answers 204 unless told otherwise. */
export async function startReceiver(
  answer: (post: Received, response: Parameters<RequestListener>[1], nth: number) => void | Promise<void> = (_, to) =>
    void to.writeHead(204).end(),
  options: { readonly port?: number; readonly make?: (listener: RequestListener) => Server } = {},
): Promise<Receiver> {
  const posts: Received[] = [];
  let open = 0;
  let busiest = 0;
  const server = (options.make ?? createServer)(async (request, response) => {
    open += 1;
    busiest = Math.max(busiest, open);
    response.once('close', () => {
      open -= 1;
    });
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece);
    const { url: path = '', headers } = request;
    const post = { at: performance.now(), path, headers, body: Buffer.concat(pieces).toString() };
    posts.push(post);
    await answer(post, response, posts.length);
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    if (server.listening) await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  onTestFinished(stop);
  return {
    ...{ url: `http://127.0.0.1:${port}/hook`, port, posts, stop },
    ids: () => new Set(posts.map(({ headers }) => String(headers['webhook-id']))),
    busiest: () => busiest,
  };
}

/** The bus, with what its deliveries come to told. */
function observed(bus: Bus, tell: { delivery(): void; delay(rung: DelayRung): void }): Bus {
  const consume: Bus['consume'] = (ref, options, handler) =>
    bus.consume(ref, options, (delivery) => {
      tell.delivery();
      return handler({
        ...delivery,
        delay: (rung, instead) => {
          tell.delay(rung);
          return delivery.delay(rung, instead);
        },
      });
    });
  return new Proxy(bus, {
    get(target, name) {
      if (name === 'consume') return consume;
      const member: unknown = Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}
