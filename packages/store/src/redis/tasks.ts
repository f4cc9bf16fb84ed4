import {
  type RunCounts,
  type RunError,
  type RunOrder,
  runIdOf,
  type Task,
  type TaskRecord,
  type TaskState,
  taskStateOf,
} from '@moltbot/shared';
import { pageOf, positionOf, type Scanned, timePosition } from '../listing.ts';
import type { AcceptOutcome, CancelOutcome, NewTask, Store, TaskQuery } from '../port.ts';
import type { RedisClient } from './client.ts';
import { keys } from './keys.ts';
import { taskScripts } from './lua/task-scripts.ts';
import { eventMore, runFields, runRecordOf } from './run-record.ts';
import type { Tenants } from './tenants.ts';

type TaskCalls = Pick<
  Store,
  | 'acceptTask'
  | 'markPublished'
  | 'listUnpublished'
  | 'withdrawTask'
  | 'getTask'
  | 'getRuns'
  | 'listTasks'
  | 'requestCancel'
>;

export function createTaskCalls(client: RedisClient, tenants: Tenants): TaskCalls {
  return {
    async acceptTask(task) {
      await tenants.add(task.task.principal.tenant);
      return accept(client, task);
    },
    async markPublished(tenant, taskIds) {
      if (taskIds.length > 0) await client.command('ZREM', keys.unpublished(tenant), ...taskIds);
    },
    listUnpublished: (tenant, olderThanMs, limit) => unpublished(client, { tenant, olderThanMs, limit }),
    withdrawTask: (tenant, taskId, error) => withdraw(client, { tenant, taskId, error }),
    getTask: async (tenant, taskId) => taskRecordOf(await readTask(client, tenant, taskId)),
    async getRuns(tenant, taskId) {
      const args = [taskId, keys.runPrefix(tenant), ...runFields];
      const runs = await client.run(taskScripts.runs, [keys.task(tenant, taskId)], args);
      return (runs as (string | null)[][]).map((fields) => runRecordOf(taskId, fields));
    },
    listTasks: (tenant, query) => pageOf(query, (below, count) => scan(client, { tenant, query, below, count })),
    requestCancel: (tenant, taskId) => cancel(client, tenant, taskId),
  };
}

async function accept(client: RedisClient, { task, orders, idempotency }: NewTask): Promise<AcceptOutcome> {
  const { id } = task;
  const { tenant } = task.principal;
  const taskKey = keys.task(tenant, id);
  const reply = await client.run(
    taskScripts.accept,
    [
      idempotency ? keys.idempotency(tenant, idempotency.key) : taskKey,
      ...[taskKey, keys.events(tenant, id), keys.tasks(tenant), keys.unpublished(tenant)],
      ...orders.map(({ runId }) => keys.run(tenant, runId)),
    ],
    [
      ...[id, JSON.stringify(task), task.acceptedAt, positionOf(task)],
      ...[idempotency?.key ?? '', idempotency?.requestHash ?? '', task.runs],
      ...orders.flatMap(({ index, target }) => [index, JSON.stringify(target)]),
    ],
  );
  const [kind, taskId] = reply as ['new'] | ['same' | 'conflict', string];
  return taskId === undefined ? { kind: 'new' } : { kind: kind as 'same' | 'conflict', taskId };
}

async function unpublished(
  client: RedisClient,
  { tenant, olderThanMs, limit }: { readonly tenant: string; readonly olderThanMs: number; readonly limit: number },
): Promise<RunOrder[][]> {
  const args = [olderThanMs, limit, keys.taskPrefix(tenant), keys.runPrefix(tenant)];
  const found = await client.run(taskScripts.unpublished, [keys.unpublished(tenant)], args);
  return (found as string[][]).map(ordersOf);
}

/** A task's JSON, then index and target JSON of each run. */
function ordersOf([json = '', ...runs]: readonly string[]): RunOrder[] {
  const task: Task = JSON.parse(json);
  const orders: RunOrder[] = [];
  for (let at = 0; at < runs.length; at += 2) {
    const index = Number(runs[at]);
    orders.push({ runId: runIdOf(task.id, index), index, target: JSON.parse(runs[at + 1] ?? ''), task });
  }
  return orders;
}

async function withdraw(
  client: RedisClient,
  { tenant, taskId, error }: { readonly tenant: string; readonly taskId: string; readonly error: RunError },
): Promise<'withdrawn' | 'kept'> {
  const prefixes = [keys.runPrefix(tenant), keys.idempotencyPrefix(tenant)];
  const args = [...prefixes, JSON.stringify(error), eventMore({ state: 'undeliverable', error })];
  const reply = await client.run(taskScripts.withdraw, taskKeys(tenant, taskId), [...header(tenant, taskId), ...args]);
  return reply as 'withdrawn' | 'kept';
}

async function cancel(client: RedisClient, tenant: string, taskId: string): Promise<CancelOutcome> {
  const args = [...header(tenant, taskId), keys.runPrefix(tenant)];
  const reply = await client.run(taskScripts.cancel, taskKeys(tenant, taskId), args);
  const [kind, state, leased] = reply as ['absent' | 'final' | 'requested', TaskState, number];
  if (kind === 'requested') return { kind, state, leased };
  return kind === 'absent' ? { kind } : { kind, state };
}

/** What scripts/common.ts asks for; the first key is of no use to scripts about a whole task. */
const taskKeys = (tenant: string, taskId: string): string[] => {
  const task = keys.task(tenant, taskId);
  return [task, task, keys.events(tenant, taskId), keys.ended(tenant), keys.unpublished(tenant)];
};

const header = (tenant: string, taskId: string): string[] => [keys.wake(tenant, taskId), taskId];

type TaskFields = readonly (string | null)[];

const readTask = async (client: RedisClient, tenant: string, taskId: string): Promise<TaskFields> => {
  const reply = await client.command('HMGET', keys.task(tenant, taskId), 'task', 'counts', 'cancel', 'finished');
  return reply as TaskFields;
};

function taskRecordOf([task, counts, cancelRequested, finished]: TaskFields): TaskRecord | undefined {
  if (!task || counts === null || counts === undefined) return undefined;
  const parsed = countsOf(counts);
  return {
    task: JSON.parse(task),
    state: taskStateOf(parsed),
    counts: parsed,
    cancelRequested: cancelRequested === '1',
    ...(finished && { finishedAt: Number(finished) }),
  };
}

/** `queued=2 running=1` to counts. */
const countsOf = (text: string): RunCounts =>
  Object.fromEntries(text.split(' ').map((part) => [part.split('=')[0], Number(part.split('=')[1])]));

async function scan(
  client: RedisClient,
  { tenant, query, below, count }: { tenant: string; query: TaskQuery; below: string | undefined; count: number },
): Promise<Scanned[]> {
  const upper = `(${below ?? timePosition(query.until ?? Number.MAX_SAFE_INTEGER)}`;
  const lower = `[${timePosition(query.since ?? 0)}`;
  const reply = await client.command('ZREVRANGEBYLEX', keys.tasks(tenant), upper, lower, 'LIMIT', 0, count);
  const positions = reply as string[];
  const records = await Promise.all(positions.map((position) => readTask(client, tenant, position.slice(17))));
  return positions.map((position, index) => ({ position, record: taskRecordOf(records[index] ?? []) }));
}
