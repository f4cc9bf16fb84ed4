import type { Store } from '../port.ts';
import { createWatchers, type Watchers } from '../watchers.ts';
import type { RedisClient } from './client.ts';
import { taskEndOf } from './end-note.ts';
import { keys } from './keys.ts';

/** What Redis tells this process without being asked. */
export interface Notices extends Pick<Store, 'watchTask' | 'watchEnd'> {
  onMessage(channel: string, message: string): void;
  /** What was told while nobody listened is lost: listen again, and have everybody look. */
  onListening(): void;
}

/** How many of the last ends are remembered, for those who begin to wait just after. */
const endsRemembered = 5_000;

/**
 * One channel a task for those who follow it, and one channel a tenant for those who wait for ends: waiting is what every
 * `?wait=` does, and a subscription of its own for each would cost two calls a task.
 */
export function createNotices(client: () => Pick<RedisClient, 'subscribe' | 'unsubscribe'>): Notices {
  const endChannels = new Set<string>();
  const ended = new Set<string>();
  // Whatever was told before the subscription stood was missed: look once.
  const listen = async (channel: string): Promise<void> => {
    if (!(await client().subscribe(channel))) return;
    if (endChannels.has(channel)) ends.wakeAll();
    else changes.wake(channel);
  };
  const changes: Watchers = createWatchers((channel, watched) => {
    if (watched) void listen(channel);
    else client().unsubscribe(channel);
  });
  const ends: Watchers = createWatchers();

  const remember = (topic: string): void => {
    // A part of a text keeps all of it in memory.
    ended.add(Buffer.from(topic).toString());
    const [oldest] = ended;
    if (ended.size > endsRemembered && oldest !== undefined) ended.delete(oldest);
  };
  return {
    watchTask: (tenant, taskId, wake) => changes.add(keys.wake(tenant, taskId), () => wake()),
    watchEnd(tenant, taskId, wake) {
      const channel = keys.endedChannel(tenant);
      if (!endChannels.has(channel)) {
        endChannels.add(channel);
        void listen(channel);
      }
      const topic = `${channel} ${taskId}`;
      if (ended.has(topic)) queueMicrotask(() => wake());
      return ends.add(topic, (note) => wake(note ? taskEndOf(taskId, note) : undefined));
    },
    onMessage(channel, message) {
      if (!endChannels.has(channel)) {
        changes.wake(channel);
        return;
      }
      const [taskId = ''] = message.split(' ', 1);
      const topic = `${channel} ${taskId}`;
      remember(topic);
      ends.wake(topic, message.slice(taskId.length + 1));
    },
    onListening() {
      for (const channel of [...changes.topics(), ...endChannels]) void listen(channel);
    },
  };
}
