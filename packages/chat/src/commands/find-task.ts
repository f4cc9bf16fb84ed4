import { MoltError, type Principal, type TaskRecord } from '@moltbot/shared';
import type { Store } from '@moltbot/store';

const wholeId = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;
/** Among so many of the newest a beginning is looked for. */
const lookAt = 500;

/** The task of that id, or whose id begins so, among the newest. @throws MOLT_NOT_FOUND, also when several begin so */
export async function findTask(
  store: Pick<Store, 'getTask' | 'listTasks'>,
  { tenant }: Principal,
  wanted: string,
): Promise<TaskRecord> {
  const id = wanted.toLowerCase();
  if (wholeId.test(id)) {
    const task = await store.getTask(tenant, id);
    if (task) return task;
    throw new MoltError('MOLT_NOT_FOUND', `there is no task ${id}`);
  }
  if (id === '') throw new MoltError('MOLT_NOT_FOUND', 'there is no task without an id');
  const { tasks } = await store.listTasks(tenant, { limit: lookAt });
  const [found, ...others] = tasks.filter(({ task }) => task.id.startsWith(id));
  if (!found) throw new MoltError('MOLT_NOT_FOUND', `no task of late begins with ${id}`);
  if (others.length > 0)
    throw new MoltError('MOLT_NOT_FOUND', `${others.length + 1} tasks begin with ${id}: write more of it`);
  return found;
}
