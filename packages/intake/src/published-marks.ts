import type { Store } from '@moltbot/store';

export interface PublishedMarks {
  /** Notes that the bus has every run of the task. */
  add(tenant: string, taskId: string): void;
  /** Resolves when all that was added is marked, or could not be. */
  flush(): Promise<void>;
}

const flushMs = 25;

/**
 * Marks tasks as published, many in one call and off the critical path.
 * A mark that is lost costs one more publication of the same ids by maintenance.
 */
export function createPublishedMarks(store: Pick<Store, 'markPublished'>): PublishedMarks {
  const waiting = new Map<string, string[]>();
  let timer: NodeJS.Timeout | undefined;

  const flush = async (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    const marks = [...waiting];
    waiting.clear();
    await Promise.allSettled(marks.map(([tenant, taskIds]) => store.markPublished(tenant, taskIds)));
  };
  return {
    add(tenant, taskId) {
      const taskIds = waiting.get(tenant);
      if (taskIds) taskIds.push(taskId);
      else waiting.set(tenant, [taskId]);
      timer ??= setTimeout(() => void flush(), flushMs);
    },
    flush,
  };
}
