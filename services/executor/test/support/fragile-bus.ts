import { setTimeout as pause } from 'node:timers/promises';
import type { Bus, DelayRung, Delivery, SettleOutcome, Subscription } from '@moltbot/bus';
import { type Envelope, MoltError } from '@moltbot/shared';

/** The bus as one worker sees it, over a link that can break. */
export interface FragileBus {
  readonly bus: Bus;
  /** What was handed out and is not settled comes back to the queue; acks of it come too late. */
  breakLink(): Promise<void>;
  /** Breaks the link, and hands out nothing any more. */
  die(): Promise<void>;
  /** Acks that are asked for from here on are under way until the function returned is called. */
  holdAcks(): () => void;
  /** Deliveries handed out and not settled. */
  inHand(): number;
  /** Deliveries handed out so far. */
  handedOut(): number;
  /** Kinds of their messages. */
  kinds(): readonly string[];
  /** Rungs that deliveries were put on. */
  rungs(): readonly DelayRung[];
  /** Nothing can be put on the ladder: it is given back after a while. */
  refuseDelays(refuse: boolean): void;
  /** Publications asked for so far. */
  published(): number;
  /** Publications are refused. */
  refusePublications(refuse: boolean): void;
  /** So many recalls fail from here on. */
  refuseRecalls(times: number): void;
  /** Recalls that failed. */
  refusedRecalls(): number;
}

/** The bus tries for 60 s; what it gave back twenty times is dead. */
const refusedAfterMs = 60;

export function createFragileBus(real: Bus): FragileBus {
  const inHand = new Set<Delivery>();
  const subscriptions: Subscription[] = [];
  let dead = false;
  const kinds: string[] = [];
  const rungs: DelayRung[] = [];
  let refusesDelays = false;
  let refusesPublications = false;
  let published = 0;
  let recallsToRefuse = 0;
  let refusedRecalls = 0;
  let ackMayPass: Promise<void> = Promise.resolve();

  const overLink = (delivery: Delivery): Delivery => {
    inHand.add(delivery);
    kinds.push(delivery.message.kind);
    const settle =
      <A extends readonly unknown[]>(decide: (...args: A) => Promise<SettleOutcome>) =>
      async (...args: A): Promise<SettleOutcome> =>
        inHand.delete(delivery) ? decide(...args) : 'stale';
    return {
      ...delivery,
      ack: settle(() => ackMayPass.then(() => delivery.ack())),
      requeue: settle(() => delivery.requeue()),
      delay: settle(async (rung: DelayRung, instead?: Envelope) => {
        rungs.push(rung);
        if (!refusesDelays) return delivery.delay(rung, instead);
        await pause(refusedAfterMs);
        await delivery.requeue();
        return 'stale';
      }),
      dead: settle((reason) => delivery.dead(reason)),
    };
  };
  const breakLink = async (): Promise<void> => {
    const broken = [...inHand];
    inHand.clear();
    await Promise.all(broken.map((delivery) => delivery.requeue()));
  };
  return {
    breakLink,
    holdAcks() {
      const gate = Promise.withResolvers<void>();
      ackMayPass = gate.promise;
      return gate.resolve;
    },
    inHand: () => inHand.size,
    handedOut: () => kinds.length,
    kinds: () => kinds,
    rungs: () => rungs,
    refuseDelays(refuse) {
      refusesDelays = refuse;
    },
    published: () => published,
    refusePublications(refuse) {
      refusesPublications = refuse;
    },
    refuseRecalls(times) {
      recallsToRefuse = times;
    },
    refusedRecalls: () => refusedRecalls,
    async die() {
      dead = true;
      await Promise.all(subscriptions.map((subscription) => subscription.cancel()));
      await breakLink();
    },
    bus: {
      ...{ name: real.name, start: async () => {}, quiesce: async () => {}, stop: async () => {} },
      health: () => real.health(),
      state: () => real.state(),
      declare: (queue) => real.declare(queue),
      async publish(message, to) {
        published += 1;
        return refusesPublications ? 'nacked' : real.publish(message, to);
      },
      consumeDead: (options, handler) => real.consumeDead(options, handler),
      broadcast: (message) => real.broadcast(message),
      async recall(from, visit) {
        if (recallsToRefuse === 0) return real.recall(from, visit);
        recallsToRefuse -= 1;
        refusedRecalls += 1;
        throw new MoltError('MOLT_BUS_DOWN', 'on purpose');
      },
      onBroadcast: (handler) => real.onBroadcast((message) => void (dead || handler(message))),
      async consume(queue, options, handler) {
        const subscription = await real.consume(queue, options, (delivery) =>
          dead ? void delivery.requeue() : handler(overLink(delivery)),
        );
        subscriptions.push(subscription);
        return subscription;
      },
    },
  };
}
