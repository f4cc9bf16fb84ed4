import { type Envelope, envelope, newId, type ReplyPlatform, replyPlatforms } from '@moltbot/shared';
import { eventually } from '@moltbot/testkit';
import type { Bus, DeadDelivery, Delivery, DeliveryHandler, QueueRef, RecallStart, RunQueueRef } from '../src/port.ts';

/** One broker, empty at first, and the processes on it. */
export interface BusLab {
  /** A started bus of a new process. The embedded broker takes one process at a time: stop the one before. */
  bus(options?: { readonly maxQueueLength?: number }): Promise<Bus>;
  /** A bus that is not started. */
  create(): Bus;
  /** Puts bytes into a queue that exists, past the codec. */
  inject(queue: QueueRef, bytes: Buffer): Promise<void>;
  /** Stops every bus it gave. */
  close(): Promise<void>;
}

/** The rungs of every bus in the tests, ms. */
export const testDelays = { '5s': 300, '30s': 1_200 } as const;

export const repliesOf = (platform: ReplyPlatform): QueueRef => ({ kind: 'replies', platform });
export const replies: QueueRef = repliesOf('http');
export const allReplies: readonly QueueRef[] = replyPlatforms.map(repliesOf);

export const runs = (pool = 'main', tenant = 'acme'): RunQueueRef => ({
  kind: 'runs',
  pool,
  tenant,
  priority: 'interactive',
});

export const message = (trace = 'trace'): Envelope =>
  envelope('cancel', { tenant: 'acme', trace, body: { taskId: newId() } });

/** What a bus can recall: everything, unless told where to begin. */
export async function recalled(bus: Bus, from: RecallStart = { since: 0 }): Promise<readonly Envelope[]> {
  const found: Envelope[] = [];
  await bus.recall(from, (each) => found.push(each));
  return found;
}

/** What a consumer was handed, in order. */
export interface Inbox {
  readonly all: readonly Delivery[];
  /** The `n`-th delivery, 1-based, when it has come. */
  nth(n: number): Promise<Delivery>;
  ids(): readonly string[];
  cancel(): Promise<void>;
}

/** Consumes a queue; deliveries stay unsettled unless `handle` settles them. */
export async function inboxOf(
  bus: Bus,
  queue: QueueRef,
  { prefetch = 100, handle }: { readonly prefetch?: number; readonly handle?: DeliveryHandler } = {},
): Promise<Inbox> {
  const all: Delivery[] = [];
  const subscription = await bus.consume(queue, { prefetch }, (delivery) => {
    all.push(delivery);
    return handle?.(delivery);
  });
  return {
    all,
    ids: () => all.map((delivery) => delivery.message.id),
    nth: (n) => eventually(`delivery ${n}`, () => all[n - 1]),
    cancel: () => subscription.cancel(),
  };
}

export const acking: DeliveryHandler = async (delivery) => {
  await delivery.ack();
};

/** Comes back from the bus after everything that was on its way before it. */
export async function roundTrip(bus: Bus): Promise<void> {
  const other = runs(`other-${newId()}`);
  const inbox = await inboxOf(bus, other, { handle: acking });
  await bus.publish(message(), { queue: other });
  await inbox.nth(1);
  await inbox.cancel();
}

/** What the dead queue handed out, in order. */
export interface Graveyard {
  readonly all: readonly DeadDelivery[];
  /** The `n`-th letter, 1-based, when it has come. */
  nth(n: number): Promise<DeadDelivery>;
  cancel(): Promise<void>;
}

/** Consumes the dead queue; letters stay unsettled unless `handle` settles them. */
export async function graveyardOf(bus: Bus, handle?: (letter: DeadDelivery) => Promise<void>): Promise<Graveyard> {
  const all: DeadDelivery[] = [];
  const subscription = await bus.consumeDead({ prefetch: 100 }, async (letter) => {
    all.push(letter);
    await handle?.(letter);
  });
  return {
    all,
    nth: (n) => eventually(`letter ${n}`, () => all[n - 1]),
    cancel: () => subscription.cancel(),
  };
}
