import { MoltError, type Principal, type TaskRecord } from '@moltbot/shared';
import { z } from 'zod';
import type { TaskReader } from './context.ts';

/** The path parameter of every route below one task. */
export const TaskParams: z.ZodType<{ readonly id: string }, { readonly id: string }> = z.object({
  id: z.string().max(100).describe('Id of a task.'),
});

const uuid = z.uuid();

/** @throws MOLT_NOT_FOUND when it cannot be the id of a task, so that nothing else reaches the store's keys. */
export function checkTaskId(id: string): string {
  if (!uuid.safeParse(id).success) throw noTask(id);
  return id;
}

/** @throws MOLT_NOT_FOUND when there is no such task, or it is another tenant's. */
export async function findTask(store: TaskReader, principal: Principal, id: string): Promise<TaskRecord> {
  const record = await store.getTask(principal.tenant, checkTaskId(id));
  if (!record) throw noTask(id);
  return record;
}

/** The refusal of an id that is not there. */
export const noTask = (id: string): MoltError => new MoltError('MOLT_NOT_FOUND', `no task ${id}`);
