import { createBell, isFinal, type Task } from '@moltbot/shared';
import type { TaskEnd } from '@moltbot/store';
import type { GatewayContext } from './context.ts';
import { readTaskView, type TaskView } from './task-view.ts';

/** A wake-up can be lost with its connection; this finds the end then. */
const pollMs = 1_000;

export interface TaskWait {
  readonly tenant: string;
  readonly taskId: string;
  readonly ms: number;
  /** Of one that was just accepted: it cannot have ended without a wake-up, so nothing is read before one. */
  readonly task: Task | undefined;
  /** Ends the wait early. */
  readonly signal: AbortSignal;
}

/**
 * Resolves with the whole task when it ends within `ms`; with undefined when it does not, or the signal aborts.
 * Never rejects: the task is accepted, so a store that is down must not turn the answer into an error that makes clients ask twice.
 */
export async function waitForTask(context: GatewayContext, wait: TaskWait): Promise<TaskView | undefined> {
  const { clock, store, metrics } = context;
  const { task } = wait;
  const deadline = clock.monotonic() + wait.ms;
  const bell = createBell();
  let told: TaskEnd | undefined;
  const unwatch = store.watchEnd(wait.tenant, wait.taskId, (end) => {
    told = end;
    bell.ring();
  });
  wait.signal.addEventListener('abort', bell.ring);
  metrics.openWaits.inc();
  try {
    let view = task ? undefined : await readWhenFinal(context, wait);
    while (!view && !wait.signal.aborted) {
      const left = deadline - clock.monotonic();
      if (left <= 0) return undefined;
      await bell.sleep(Math.min(pollMs, left));
      if (!wait.signal.aborted) view = await readWhenFinal(context, wait, told);
    }
    return view;
  } finally {
    metrics.openWaits.dec();
    wait.signal.removeEventListener('abort', bell.ring);
    unwatch();
  }
}

async function readWhenFinal(
  { store, log }: GatewayContext,
  { tenant, taskId, task }: TaskWait,
  told?: TaskEnd,
): Promise<TaskView | undefined> {
  try {
    if (task && told) return await readTaskView(store, { task, ...told }, told.runs);
    // Asked for together: most looks follow an end, and want both.
    const [record, runs] = await Promise.all([store.getTask(tenant, taskId), store.getRuns(tenant, taskId)]);
    return record && isFinal(record.state) ? await readTaskView(store, record, runs) : undefined;
  } catch (err) {
    log.debug({ err, taskId }, 'a wait could not read its task');
    return undefined;
  }
}
