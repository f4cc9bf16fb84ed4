import type { Bus, Delivery, SettleOutcome, Subscription } from '@moltbot/bus';

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
}

export function createFragileBus(real: Bus): FragileBus {
  const inHand = new Set<Delivery>();
  const subscriptions: Subscription[] = [];
  let dead = false;
  let handedOut = 0;
  let ackMayPass: Promise<void> = Promise.resolve();

  const overLink = (delivery: Delivery): Delivery => {
    inHand.add(delivery);
    handedOut += 1;
    const settle =
      <A extends readonly unknown[]>(decide: (...args: A) => Promise<SettleOutcome>) =>
      async (...args: A): Promise<SettleOutcome> =>
        inHand.delete(delivery) ? decide(...args) : 'stale';
    return {
      ...delivery,
      ack: settle(() => ackMayPass.then(() => delivery.ack())),
      requeue: settle(() => delivery.requeue()),
      delay: settle((rung) => delivery.delay(rung)),
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
    handedOut: () => handedOut,
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
      publish: (message, to) => real.publish(message, to),
      broadcast: (message) => real.broadcast(message),
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
