import {
  backoffMs,
  isFinal,
  type ReplyPlatform,
  type RunOrder,
  replyEnvelope,
  replyPlatformOf,
  type TaskRecord,
} from '@moltbot/shared';
import { whileStoreIsDown } from './outage-patience.ts';
import type { RunDeps } from './run-deps.ts';

type ReplyDeps = Pick<RunDeps, 'bus' | 'store' | 'clock' | 'log' | 'stopping'>;

/**
 * The end of a run is in the store: when it was the end of its task as well, its reply is put on the bus for the origin.
 * Waits while bus or store are down. False when it is not safe there, as we stop or the store has forgotten the task: then the
 * message of the run must come again.
 */
export async function endToReply({ task }: RunOrder, deps: ReplyDeps): Promise<boolean> {
  const platform = replyPlatformOf(task.origin);
  if (!platform) return true;
  const { store, clock } = deps;
  const { tenant } = task.principal;
  const record = await whileStoreIsDown(() => store.getTask(tenant, task.id), clock);
  // The store was emptied since: when the message comes again, the end is learned from the target again.
  if (!record) return false;
  if (!isFinal(record.state)) return true;
  // A withdrawn task was refused at its door, and nobody waits for its end. Of any other maintenance tells it.
  if (record.state === 'undeliverable') return true;
  if (!(await publish(record, platform, deps))) return false;
  await whileStoreIsDown(() => store.markAnswered(tenant, [task.id]), clock);
  return true;
}

async function publish(
  record: TaskRecord,
  platform: ReplyPlatform,
  { bus, clock, log, stopping }: ReplyDeps,
): Promise<boolean> {
  const queue = { kind: 'replies', platform } as const;
  const message = replyEnvelope(record);
  for (let tries = 1; !stopping.aborted; tries += 1) {
    const outcome = await bus.publish(message, { queue });
    if (outcome === 'ok') return true;
    log.warn({ outcome, tries }, 'the reply of a task is not on the bus yet');
    if (outcome === 'unroutable') await bus.declare(queue);
    await clock.sleep(backoffMs(tries, { maxMs: 5_000 }), stopping).catch(() => {});
  }
  return false;
}
