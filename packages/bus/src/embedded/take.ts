import { decodeEnvelope, type Envelope, type JournalEntry, type Logger } from '@moltbot/shared';
import { type DeadFacts, decideOnce, handOut, readDead, type Settlement, unreadableReason } from '../delivery.ts';
import type { DeliveryHandler, QueueRef } from '../port.ts';
import { parseQueue, queueText } from '../queue-text.ts';

/** Hands one message of a queue to its handler; one that cannot be read goes to the dead queue. */
export function take(
  { bytes, deliveries, messageId }: JournalEntry,
  { settlement, handler, log }: { settlement: Settlement; handler: DeliveryHandler; log: Logger },
): void {
  let message: Envelope;
  try {
    message = decodeEnvelope(bytes);
  } catch (err) {
    log.error({ err, messageId }, 'a message cannot be read; it goes to the dead queue');
    void settlement.dead(unreadableReason(err));
    return;
  }
  const facts = { message, redelivered: deliveries > 0, previousDeliveries: deliveries };
  void handOut(handler, decideOnce(facts, settlement), log);
}

// The journal keeps one text with a dead message: where it died, and of what.
const separator = ': ';

export const deathNote = (queue: QueueRef, reason: string): string => queueText(queue) + separator + reason;

/** What is known of a message in the dead queue. */
export function deadFacts({ messageId: id, bytes, reason: note = '' }: JournalEntry): DeadFacts {
  const read = readDead(bytes);
  const at = note.indexOf(separator);
  const queue = parseQueue(note.slice(0, Math.max(0, at)));
  const reason = queue ? note.slice(at + separator.length) : note;
  if ('message' in read) return { id, bytes, queue, message: read.message, reason: reason || 'unknown' };
  return { id, bytes, queue, reason: reason || read.unreadable };
}
