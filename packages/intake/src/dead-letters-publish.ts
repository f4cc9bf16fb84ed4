import type { Bus, DelayRung, PublishOutcome, QueueRef } from '@moltbot/bus';
import { type Envelope, type ErrorCode, isKind, MoltError } from '@moltbot/shared';
import { orderOf } from './dead-letters-view.ts';
import { queueOf } from './publish-orders.ts';
import { replyQueueOf } from './publish-reply.ts';

const refusals: Readonly<Record<Exclude<PublishOutcome, 'ok'>, readonly [ErrorCode, string]>> = {
  nacked: ['MOLT_BUS_FULL', 'its queue takes no more'],
  unroutable: ['MOLT_NO_EXECUTOR', 'its queue is not there'],
  unknown: ['MOLT_BUS_DOWN', 'the broker did not confirm it'],
};

/**
 * Publishes a message that died, to the queue it died in, or else to the one it belongs in. What is `unknown` is tried once more.
 * @throws MOLT_BUS_FULL, MOLT_BUS_DOWN, MOLT_NO_EXECUTOR, MOLT_CANNOT_REPLAY when it belongs in no queue
 */
export async function publishLetter(
  bus: Pick<Bus, 'publish'>,
  message: Envelope,
  { queue = homeOf(message), ...rest }: { readonly queue?: QueueRef | undefined; readonly delay?: DelayRung } = {},
): Promise<void> {
  if (!queue) throw new MoltError('MOLT_CANNOT_REPLAY', `a ${message.kind} message belongs in no queue`);
  const first = await bus.publish(message, { queue, ...rest });
  const outcome = first === 'unknown' ? await bus.publish(message, { queue, ...rest }) : first;
  if (outcome === 'ok') return;
  const [code, why] = refusals[outcome];
  throw new MoltError(code, `the message ${message.id} is not published: ${why}`);
}

function homeOf(message: Envelope): QueueRef | undefined {
  const order = orderOf(message);
  if (order) return queueOf(order);
  return isKind(message, 'reply') ? replyQueueOf(message.body.task.origin) : undefined;
}
