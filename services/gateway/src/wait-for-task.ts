import { isFinal } from '@moltbot/shared';
import { createBell } from './bell.ts';
import type { GatewayContext } from './context.ts';
import { readTaskView, type TaskView } from './task-view.ts';

/** A wake-up can be lost with its connection; this finds the change then. */
const pollMs = 1_000;
/** A talkative command wakes us at every line: after this many reads in a row we look at most every `restMs`. */
const eagerReads = 10;
const restMs = 50;

export interface TaskWait {
  readonly tenant: string;
  readonly taskId: string;
  readonly ms: number;
  /** Ends the wait early. */
  readonly signal: AbortSignal;
}

/**
 * Resolves with the whole task when it ends within `ms`; with undefined when it does not, or the signal aborts.
 * Never rejects: the task is accepted, so a store that is down must not turn the answer into an error that makes clients ask twice.
 */
export async function waitForTask(context: GatewayContext, wait: TaskWait): Promise<TaskView | undefined> {
  const { clock, store, metrics } = context;
  const deadline = clock.monotonic() + wait.ms;
  const bell = createBell();
  const unwatch = store.watchTask(wait.tenant, wait.taskId, bell.ring);
  wait.signal.addEventListener('abort', bell.ring);
  metrics.openWaits.inc();
  try {
    for (let reads = 1; !wait.signal.aborted; reads += 1) {
      const view = await readWhenFinal(context, wait);
      if (view) return view;
      const left = deadline - clock.monotonic();
      if (left <= 0) return undefined;
      await bell.sleep(Math.min(pollMs, left));
      if (reads > eagerReads) await clock.sleep(Math.min(restMs, left));
    }
    return undefined;
  } finally {
    metrics.openWaits.dec();
    wait.signal.removeEventListener('abort', bell.ring);
    unwatch();
  }
}

async function readWhenFinal({ store, log }: GatewayContext, wait: TaskWait): Promise<TaskView | undefined> {
  try {
    const record = await store.getTask(wait.tenant, wait.taskId);
    return record && isFinal(record.state) ? await readTaskView(store, record) : undefined;
  } catch (err) {
    log.debug({ err, taskId: wait.taskId }, 'a wait could not read its task');
    return undefined;
  }
}
