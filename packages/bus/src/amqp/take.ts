import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs, decodeEnvelope, type Envelope, encodeEnvelope, type Logger, newId } from '@moltbot/shared';
import {
  deadPauseMs,
  decideDeadOnce,
  decideOnce,
  handOut,
  handOutDead,
  readDead,
  type Settlement,
  unreadableReason,
} from '../delivery.ts';
import type { DeadDelivery, DeliveryHandler, QueueRef, SettleOutcome } from '../port.ts';
import type { ConsumeMessage } from './client.ts';
import type { WayBack } from './consumer.ts';
import type { Publication, Publisher } from './publisher.ts';
import { reasonHeader, type Topology } from './topology.ts';

export interface TakeOptions {
  readonly publisher: Publisher;
  readonly topology: Topology;
  /** Ends the tries to keep a copy: what is being copied is given back. */
  readonly giveUp: AbortSignal;
  readonly log: Logger;
  readonly back: WayBack;
}

interface TakeDeliveryOptions extends TakeOptions {
  readonly queue: QueueRef;
  readonly handler: DeliveryHandler;
}

interface TakeDeadOptions extends TakeOptions {
  readonly handler: (letter: DeadDelivery) => Promise<void>;
}

/** How long a delivery is held while its copy cannot be kept; giving it back at once would burn its delivery limit. */
const copyPatienceMs = 60_000;

/** Hands one message of a queue to its handler; one that cannot be read goes to the dead queue. */
export function takeDelivery(raw: ConsumeMessage, options: TakeDeliveryOptions): void {
  const settlement = settlementOf(raw, options);
  let message: Envelope;
  try {
    message = decodeEnvelope(raw.content);
  } catch (err) {
    options.log.error(
      { err, messageId: raw.properties.messageId },
      'a message cannot be read; it goes to the dead queue',
    );
    void settlement.dead(unreadableReason(err));
    return;
  }
  const previousDeliveries = Number(raw.properties.headers?.['x-delivery-count'] ?? 0);
  const redelivered = raw.fields.redelivered || previousDeliveries > 0;
  const delivery = decideOnce({ message, redelivered, previousDeliveries }, settlement);
  void handOut(options.handler, delivery, options.log);
}

/** Hands one message of the dead queue to its handler, readable or not. */
export function takeDead(raw: ConsumeMessage, { topology, giveUp, log, back, handler }: TakeDeadOptions): void {
  const read = readDead(raw.content);
  const facts = {
    id: messageIdOf(raw) || newId(),
    bytes: raw.content,
    queue: topology.queueOfKey(raw.fields.routingKey),
    ...('message' in read
      ? { message: read.message, reason: reasonOf(raw) ?? 'unknown' }
      : { reason: reasonOf(raw) ?? read.unreadable }),
  };
  const letter = decideDeadOnce(facts, {
    ack: async () => back.tell((channel) => channel.ack(raw)),
    requeue: async () => back.tell((channel) => channel.nack(raw, false, true)),
  });
  void handOutDead(handler, letter, { log, pause: () => delay(deadPauseMs, undefined, { signal: giveUp }) });
}

function settlementOf(raw: ConsumeMessage, options: TakeDeliveryOptions): Settlement {
  const { queue, topology, back } = options;
  const ack = (): SettleOutcome => back.tell((channel) => channel.ack(raw));
  // Not a nack: RabbitMQ 4.3 does not count those.
  const requeue = (): SettleOutcome => back.tell((channel) => channel.reject(raw, true));
  const copy = async (publication: Publication): Promise<SettleOutcome> =>
    (await keepCopy(publication, options)) ? ack() : requeue();
  const own = { id: messageIdOf(raw), type: raw.properties.type ?? '', bytes: raw.content };
  return {
    ack: async () => ack(),
    requeue: async () => requeue(),
    delay: (rung, instead) => copy({ ...(instead ? contentOf(instead) : own), to: topology.delayed(queue, rung) }),
    dead: (reason) => copy({ ...own, to: topology.deadAddress(queue), headers: { [reasonHeader]: reason } }),
  };
}

/** Publishes a copy until the broker keeps it; false when patience, the delivery, or the service ended first. */
async function keepCopy(copy: Publication, { publisher, back, giveUp, log }: TakeOptions): Promise<boolean> {
  const end = performance.now() + copyPatienceMs;
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await publisher.publish(copy);
    if (outcome === 'ok') return true;
    if (attempt === 1) {
      log.warn({ messageId: copy.id, exchange: copy.to.exchange, outcome }, 'a copy is not kept; trying again');
    }
    if (!back.isOpen() || giveUp.aborted || performance.now() > end) return false;
    await delay(backoffMs(attempt, { baseMs: 200 }), undefined, { signal: giveUp }).catch(() => {});
  }
}

/** What a message is published as. */
export const contentOf = (message: Envelope): Pick<Publication, 'id' | 'type' | 'bytes'> => ({
  id: message.id,
  type: message.kind,
  bytes: encodeEnvelope(message),
});

// Whatever a stranger put there, or nothing.
function messageIdOf({ properties }: ConsumeMessage): string {
  const id: unknown = properties.messageId;
  return typeof id === 'string' ? id : '';
}

/** Ours, or the broker's own (`delivery_limit`) of the last death. */
function reasonOf({ properties: { headers } }: ConsumeMessage): string | undefined {
  const own: unknown = headers?.[reasonHeader];
  if (typeof own === 'string') return own;
  // From RabbitMQ 3.13 on; before that the last death is the first of the list.
  const last: unknown = headers?.['x-last-death-reason'];
  return typeof last === 'string' ? last : headers?.['x-death']?.[0]?.reason;
}
