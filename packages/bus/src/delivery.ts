import type { Envelope, Logger } from '@moltbot/shared';
import type { DelayRung, Delivery, DeliveryHandler, SettleOutcome } from './port.ts';

/** Times a message may come back before it goes to the dead queue with the reason `delivery_limit`. */
export const deliveryLimit = 20;

/** How an implementation settles one handed-out message. Of the four, one is called, once. */
export interface Settlement {
  ack(): Promise<SettleOutcome>;
  requeue(): Promise<SettleOutcome>;
  delay(rung: DelayRung): Promise<SettleOutcome>;
  dead(reason: string): Promise<SettleOutcome>;
}

interface DeliveryFacts {
  readonly message: Envelope;
  readonly redelivered: boolean;
  readonly previousDeliveries: number;
  readonly reason?: string | undefined;
}

/** A delivery whose first decision stands; the later ones answer `stale`. */
export function decideOnce(facts: DeliveryFacts, settlement: Settlement): Delivery {
  const { reason, ...rest } = facts;
  let decided = false;
  const first = (settle: () => Promise<SettleOutcome>): Promise<SettleOutcome> => {
    if (decided) return Promise.resolve('stale');
    decided = true;
    return settle();
  };
  return {
    ...rest,
    ...(reason === undefined ? {} : { reason }),
    ack: () => first(() => settlement.ack()),
    requeue: () => first(() => settlement.requeue()),
    delay: (rung) => first(() => settlement.delay(rung)),
    dead: (why) => first(() => settlement.dead(why)),
  };
}

/** Calls the handler; gives the delivery back when it throws. Never rejects. */
export async function handOut(handler: DeliveryHandler, delivery: Delivery, log: Logger): Promise<void> {
  try {
    await handler(delivery);
  } catch (err) {
    log.error({ err, messageId: delivery.message.id }, 'a handler threw; its delivery is given back');
    await delivery.requeue();
  }
}

/** The reason a message that cannot be decoded is dead for. */
export const unreadableReason = (err: unknown): string =>
  `MOLT_ENVELOPE: ${err instanceof Error ? err.message : String(err)}`.slice(0, 300);
