import { backoffMs, type Clock, hasCode, type Logger } from '@moltbot/shared';

/** What the store is to be told of a task once it is there again. */
export interface Errand {
  readonly taskId: string;
  /** May be done again. It rejects with MOLT_STORE_DOWN while the store is not there. */
  readonly work: () => Promise<void>;
  /** Does it once more after so long, ms: what was sent before on a connection that broke may still arrive. */
  readonly againAfterMs?: number;
}

export interface StoreErrands {
  /** Takes the place of one that is under way for the same task. */
  add(errand: Errand): void;
  forget(taskId: string): void;
  /** Does once more what could not be done yet, and ends. */
  stop(): Promise<void>;
}

const stopping = Symbol('stopping');

/** Tries until the store is back. What this process could not do before it ended is lost. */
export function createStoreErrands({ clock, log }: { readonly clock: Clock; readonly log: Logger }): StoreErrands {
  const pending = new Map<string, { readonly control: AbortController; readonly done: Promise<void> }>();

  const untilDone = async (work: Errand['work'], signal: AbortSignal): Promise<void> => {
    for (let attempt = 1; ; attempt += 1) {
      signal.throwIfAborted();
      try {
        return await work();
      } catch (error) {
        if (!hasCode(error, 'MOLT_STORE_DOWN')) throw error;
        await clock.sleep(backoffMs(attempt, { maxMs: 1_000 }), signal);
      }
    }
  };
  const run = async ({ taskId, work, againAfterMs }: Errand, signal: AbortSignal): Promise<void> => {
    try {
      await untilDone(work, signal);
      if (againAfterMs === undefined) return;
      await clock.sleep(againAfterMs, signal);
      await untilDone(work, signal);
    } catch (err) {
      if (signal.reason === stopping) await work().catch(() => {});
      else if (!signal.aborted) log.error({ err, task: taskId }, 'the store does not take what it is told of a task');
    }
  };
  return {
    add(errand) {
      const { taskId } = errand;
      pending.get(taskId)?.control.abort();
      const control = new AbortController();
      const entry = { control, done: run(errand, control.signal) };
      pending.set(taskId, entry);
      void entry.done.then(() => pending.get(taskId) === entry && pending.delete(taskId));
    },
    forget: (taskId) => pending.get(taskId)?.control.abort(),
    async stop() {
      const all = [...pending.values()];
      for (const { control } of all) control.abort(stopping);
      await Promise.all(all.map(({ done }) => done));
    },
  };
}
