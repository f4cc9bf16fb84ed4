import type { Envelope, Priority, ReplyPlatform, Service } from '@moltbot/shared';

/** Names a queue in the words of the domain; the topology file of each bus turns it into its own names. */
export type QueueRef =
  | { readonly kind: 'runs'; readonly pool: string; readonly tenant: string; readonly priority: Priority }
  /** Ends of tasks on their way to origins of one kind. */
  | { readonly kind: 'replies'; readonly platform: ReplyPlatform };

export type RunQueueRef = Extract<QueueRef, { kind: 'runs' }>;

/** The fixed delays a message can wait out before it is delivered again. */
export const delayRungs = { '5s': 5_000, '30s': 30_000, '2m': 120_000, '10m': 600_000 } as const;
export type DelayRung = keyof typeof delayRungs;

/** How long a broadcast can be recalled, ms: 30 days, unless there are more of them than the bus has room for. */
export const broadcastsKeptMs: number = 30 * 86_400_000;

/** At a time (epoch ms by the clock of the bus; some that are older may come along), or where an earlier call ended. */
export type RecallStart = { readonly since: number } | { readonly after: number };

/**
 * What became of a publication.
 * - `ok`: persistent in the queue, confirmed and not returned.
 * - `unroutable`: no such queue; nothing was kept.
 * - `nacked`: refused (queue full, broker blocked); nothing was kept.
 * - `unknown`: the link broke or the confirm did not come in time; publish again under the same message id.
 */
export type PublishOutcome = 'ok' | 'unroutable' | 'nacked' | 'unknown';

/** What became of an ack: `stale` when the delivery's channel is gone; the message comes again. */
export type SettleOutcome = 'ok' | 'stale';

export interface Delivery {
  readonly message: Envelope;
  /** True when it may have been handed to a consumer before. */
  readonly redelivered: boolean;
  /** Times it was handed out and came back, where the broker knows; 0 on the first delivery. */
  readonly previousDeliveries: number;
  /** Done with it. The first of these four decides; later calls answer `stale`. */
  ack(): Promise<SettleOutcome>;
  /** Gives it back at once; counts toward the delivery limit. */
  requeue(): Promise<SettleOutcome>;
  /**
   * Puts a copy on a rung of the ladder, confirmed, then acks. When the copy cannot be kept, the message is given back.
   * @param instead this message takes its place in the queue
   */
  delay(rung: DelayRung, instead?: Envelope): Promise<SettleOutcome>;
  /** Puts a copy into the dead queue with a reason, confirmed, then acks. */
  dead(reason: string): Promise<SettleOutcome>;
}

/** A message that could not be handled, as it was found. */
export interface DeadDelivery {
  /** `messageId` of its publication; a new one when it had none. */
  readonly id: string;
  readonly bytes: Buffer;
  /** Absent when the bytes cannot be decoded. */
  readonly message?: Envelope | undefined;
  /** The queue it died in, where that can be told. */
  readonly queue?: QueueRef | undefined;
  /** `delivery_limit`, what `dead` was given, or why it cannot be decoded. */
  readonly reason: string;
  ack(): Promise<SettleOutcome>;
  requeue(): Promise<SettleOutcome>;
}

/** A handler that throws gives its delivery back; it never ends the consumer. */
export type DeliveryHandler = (delivery: Delivery) => void | Promise<void>;

export interface Subscription {
  /** Takes no more deliveries. Those handed out can still be settled until the bus is stopped. */
  cancel(): Promise<void>;
}

export type BusState = 'connecting' | 'ready' | 'blocked' | 'closed';

/**
 * The way between processes. Two implementations, one conformance suite (`conformance.ts`).
 * Delivery is at least once, in order of arrival per queue but for what comes back.
 * A message that cannot be decoded goes to the dead queue with its reason and never reaches the handler of `consume`.
 */
export interface Bus extends Service {
  state(): BusState;
  /** Makes sure the queue exists, now and after every reconnect. */
  declare(queue: QueueRef): Promise<void>;
  /** Never rejects for reasons of the link: that is `unknown`. Refuses at once with `nacked` while blocked. */
  publish(message: Envelope, to: { readonly queue: QueueRef; readonly delay?: DelayRung }): Promise<PublishOutcome>;
  /** Declares the queue and hands out up to `prefetch` unsettled deliveries. Survives reconnects until cancelled. */
  consume(queue: QueueRef, options: { readonly prefetch: number }, handler: DeliveryHandler): Promise<Subscription>;
  /** Hands out what died, in every queue. A handler that throws gives its delivery back, after a pause. */
  consumeDead(
    options: { readonly prefetch: number },
    handler: (letter: DeadDelivery) => Promise<void>,
  ): Promise<Subscription>;
  /** To every process that listens now, and kept for those that come to ask (`recall`); `ok` when it is kept. */
  broadcast(message: Envelope): Promise<PublishOutcome>;
  /**
   * Visits the kept broadcasts, oldest first, with all that were `ok` before the call. One that cannot be read is passed over.
   * @returns where it ended: `after` of a call that goes on from there
   * @throws MOLT_BUS_DOWN when they cannot be read now, or not to their end; some were visited then
   */
  recall(from: RecallStart, visit: (message: Envelope) => void): Promise<number>;
  onBroadcast(handler: (message: Envelope) => void): Promise<Subscription>;
}
