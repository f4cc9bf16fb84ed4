import { decodeEnvelope, type Envelope, type Logger } from '@moltbot/shared';
import type { DeadDelivery, DelayRung, Delivery, DeliveryHandler, SettleOutcome } from './port.ts';

/** Times a message may come back before it goes to the dead queue with the reason `delivery_limit`. */
export const deliveryLimit = 20;

/** How an implementation settles one handed-out message. Of the four, one is called, once. */
export interface Settlement {
  ack(): Promise<SettleOutcome>;
  requeue(): Promise<SettleOutcome>;
  delay(rung: DelayRung, instead?: Envelope): Promise<SettleOutcome>;
  dead(reason: string): Promise<SettleOutcome>;
}

type DeliveryFacts = Pick<Delivery, 'message' | 'redelivered' | 'previousDeliveries'>;
export type DeadFacts = Pick<DeadDelivery, 'id' | 'bytes' | 'message' | 'queue' | 'reason'>;
type Decide = (settle: () => Promise<SettleOutcome>) => Promise<SettleOutcome>;

/** A delivery whose first decision stands; the later ones answer `stale`. */
export function decideOnce(facts: DeliveryFacts, settlement: Settlement): Delivery {
  const first = firstOnly();
  return {
    ...facts,
    ack: () => first(() => settlement.ack()),
    requeue: () => first(() => settlement.requeue()),
    delay: (rung, instead) => first(() => settlement.delay(rung, instead)),
    dead: (why) => first(() => settlement.dead(why)),
  };
}

/** As `decideOnce`, of what died. */
export function decideDeadOnce(facts: DeadFacts, settlement: Pick<Settlement, 'ack' | 'requeue'>): DeadDelivery {
  const first = firstOnly();
  return {
    ...facts,
    ack: () => first(() => settlement.ack()),
    requeue: () => first(() => settlement.requeue()),
  };
}

function firstOnly(): Decide {
  let decided = false;
  return (settle) => {
    if (decided) return Promise.resolve('stale');
    decided = true;
    return settle();
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

/** How long a dead message is kept back from a handler that threw at it: no limit ends its coming back, ms. */
export const deadPauseMs = 1_000;

/** Calls the handler; gives the letter back after `pause` when it throws. Never rejects. */
export async function handOutDead(
  handler: (letter: DeadDelivery) => Promise<void>,
  letter: DeadDelivery,
  { log, pause }: { readonly log: Logger; readonly pause: () => Promise<unknown> },
): Promise<void> {
  try {
    await handler(letter);
  } catch (err) {
    log.error({ err, messageId: letter.id }, 'a handler of dead messages threw; its message is given back');
    await pause().catch(() => {});
    await letter.requeue();
  }
}

/** A message when the bytes are one, and else why they are not. */
export function readDead(bytes: Buffer): { readonly message: Envelope } | { readonly unreadable: string } {
  try {
    return { message: decodeEnvelope(bytes) };
  } catch (err) {
    return { unreadable: unreadableReason(err) };
  }
}

/** The reason a message that cannot be decoded is dead for. */
export const unreadableReason = (err: unknown): string =>
  `MOLT_ENVELOPE: ${err instanceof Error ? err.message : String(err)}`.slice(0, 300);
