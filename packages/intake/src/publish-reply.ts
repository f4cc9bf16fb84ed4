import type { Bus, PublishOutcome, QueueRef } from '@moltbot/bus';
import { type Origin, replyEnvelope, replyPlatformOf, replyPlatforms, type TaskRecord } from '@moltbot/shared';

export const replyQueues: readonly QueueRef[] = replyPlatforms.map((platform) => ({ kind: 'replies', platform }));

/** Where the end of a task is put for its origin; undefined when nobody waits for it. */
export function replyQueueOf(origin: Origin): QueueRef | undefined {
  const platform = replyPlatformOf(origin);
  return platform && { kind: 'replies', platform };
}

/**
 * Publishes the end of a task for its origin, if that waits for it; publishing it again is harmless, as its id is the same. What is
 * `unknown` is tried once more.
 */
export async function publishReply(bus: Pick<Bus, 'publish'>, record: TaskRecord): Promise<PublishOutcome> {
  const queue = replyQueueOf(record.task.origin);
  if (!queue) return 'ok';
  const message = replyEnvelope(record);
  const first = await bus.publish(message, { queue });
  return first === 'unknown' ? bus.publish(message, { queue }) : first;
}
