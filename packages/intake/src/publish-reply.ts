import type { Bus, PublishOutcome, QueueRef } from '@moltbot/bus';
import { replyEnvelope, type TaskRecord } from '@moltbot/shared';

export const replyQueue: QueueRef = { kind: 'replies', platform: 'http' };

/** Publishes the end of a task for its origin; publishing it again is harmless, as its id is the same. What is `unknown` is tried once more. */
export async function publishReply(bus: Pick<Bus, 'publish'>, record: TaskRecord): Promise<PublishOutcome> {
  const message = replyEnvelope(record);
  const first = await bus.publish(message, { queue: replyQueue });
  return first === 'unknown' ? bus.publish(message, { queue: replyQueue }) : first;
}
