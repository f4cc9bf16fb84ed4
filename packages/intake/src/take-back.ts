import { asMoltError, type Logger } from '@moltbot/shared';
import type { NewTask, Store } from '@moltbot/store';
import type { StoreErrands } from './store-errands.ts';

export interface TakeBack {
  /**
   * Sees to it that nothing of this task runs, though the store cannot be told at the moment.
   * @param isRecorded false: its record may not be there, and its message may: the record is made first, for the message to find
   */
  add(wanted: NewTask, reason: unknown, isRecorded: boolean): void;
  /** It was asked for again under its idempotency key, and shall run after all. */
  forget(taskId: string): void;
}

/** What was sent before on a connection that broke may still arrive after the first taking back. */
const againAfterMs = 5_000;

/**
 * Takes back tasks that were refused while the store did not answer: their record may be there all the same, and maintenance
 * would publish it. Tried until the store is back, long before a record is old enough for maintenance; what this process
 * could not take back before it ended, maintenance runs.
 */
export function createTakeBack(deps: {
  readonly store: Pick<Store, 'acceptTask' | 'withdrawTask'>;
  readonly errands: StoreErrands;
  readonly log: Logger;
}): TakeBack {
  const { store, errands, log } = deps;
  return {
    // The id may be that of an earlier try under the same key: of the two, the record can only be of this one.
    add(wanted, reason, isRecorded) {
      const { task } = wanted;
      const { code, message, remedy } = asMoltError(reason);
      const work = async (): Promise<void> => {
        if (!isRecorded) await store.acceptTask(wanted);
        const result = await store.withdrawTask(task, { code, message, remedy });
        log.warn({ task: task.id, tenant: task.principal.tenant, result }, 'took back a task that was refused');
      };
      errands.add({ taskId: task.id, work, againAfterMs });
    },
    forget: errands.forget,
  };
}
