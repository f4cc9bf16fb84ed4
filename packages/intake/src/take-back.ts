import { asMoltError, backoffMs, type Clock, hasCode, type Logger, type Service, type Task } from '@moltbot/shared';
import type { Store } from '@moltbot/store';

export interface TakeBack extends Service {
  /** Sees to it that nothing of this task runs, though the store cannot be told at the moment. */
  add(task: Task, reason: unknown): void;
  /** It was asked for again under its idempotency key, and shall run after all. */
  forget(taskId: string): void;
}

/** What was sent before on a connection that broke may still arrive after the first taking back. */
const againAfterMs = 5_000;

const stopping = Symbol('stopping');

/**
 * Takes back tasks that were refused while the store did not answer: their record may be there all the same, and maintenance
 * would publish it. Tried until the store is back, long before a record is old enough for maintenance; what this process
 * could not take back before it ended, maintenance runs.
 */
export function createTakeBack(deps: {
  readonly store: Pick<Store, 'withdrawTask'>;
  readonly clock: Clock;
  readonly log: Logger;
}): TakeBack {
  const { store, clock, log } = deps;
  const pending = new Map<string, { readonly control: AbortController; readonly done: Promise<void> }>();

  const withdrawOnce = async (task: Task, reason: unknown): Promise<void> => {
    const { code, message, remedy } = asMoltError(reason);
    const result = await store.withdrawTask(task, { code, message, remedy });
    log.warn({ task: task.id, tenant: task.principal.tenant, result }, 'took back a task that was refused');
  };

  const withdraw = async (task: Task, reason: unknown, signal: AbortSignal): Promise<void> => {
    for (let attempt = 1; ; attempt += 1) {
      signal.throwIfAborted();
      try {
        return await withdrawOnce(task, reason);
      } catch (error) {
        if (!hasCode(error, 'MOLT_STORE_DOWN')) throw error;
        await clock.sleep(backoffMs(attempt, { maxMs: 1_000 }), signal);
      }
    }
  };

  const takeBack = async (task: Task, reason: unknown, signal: AbortSignal): Promise<void> => {
    try {
      await withdraw(task, reason, signal);
      await clock.sleep(againAfterMs, signal);
      await withdraw(task, reason, signal);
    } catch (err) {
      if (signal.reason === stopping) await withdrawOnce(task, reason).catch(() => {});
      else if (!signal.aborted) log.error({ err, task: task.id }, 'a refused task could not be taken back');
    }
  };

  const abortAll = async (): Promise<void> => {
    const all = [...pending.values()];
    for (const { control } of all) control.abort(stopping);
    await Promise.all(all.map(({ done }) => done));
  };

  return {
    name: 'take-back',
    add(task, reason) {
      // The id may be that of an earlier try under the same key: of the two, the record can only be of this one.
      pending.get(task.id)?.control.abort();
      const control = new AbortController();
      const entry = { control, done: takeBack(task, reason, control.signal) };
      pending.set(task.id, entry);
      void entry.done.then(() => pending.get(task.id) === entry && pending.delete(task.id));
    },
    forget: (taskId) => pending.get(taskId)?.control.abort(),
    async start() {},
    async quiesce() {},
    stop: abortAll,
    health: () => ({ ok: true }),
  };
}
