import { replyPlatforms } from '@moltbot/shared';
import type { QueueRef } from './port.ts';

/** A queue as one word: `runs/<pool>/<tenant>/<priority>`, `replies/<platform>`. */
export const queueText = (queue: QueueRef): string =>
  queue.kind === 'runs' ? `runs/${queue.pool}/${queue.tenant}/${queue.priority}` : `replies/${queue.platform}`;

/** What `queueText` wrote; undefined for anything else. */
export function parseQueue(text: string): QueueRef | undefined {
  const replies = replyPlatforms.find((platform) => text === `replies/${platform}`);
  if (replies) return { kind: 'replies', platform: replies };
  const [kind, ...words] = text.split('/');
  const [pool, tenant, priority, ...more] = words;
  if (kind !== 'runs' || !pool || !tenant || more.length > 0) return undefined;
  return priority === 'interactive' || priority === 'batch' ? { kind, pool, tenant, priority } : undefined;
}
