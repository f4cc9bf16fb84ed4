import { type RunError, type RunOrder, replyPlatformOf, runIdOf, type Task, type TaskState } from '@moltbot/shared';
import { startBy } from '../expiry.ts';
import { pageOf, positionOf, type Scanned, timePosition } from '../listing.ts';
import type { AcceptOutcome, CancelOutcome, NewTask, Store, TaskQuery } from '../port.ts';
import type { RedisClient } from './client.ts';
import { keys } from './keys.ts';
import { taskScripts } from './lua/task-scripts.ts';
import { eventMore, runFields, runRecordOf } from './run-record.ts';
import { taskHeader, wholeTaskKeys } from './script-keys.ts';
import { taskFields, taskRecordOf } from './task-record.ts';
import type { Tenants } from './tenants.ts';

type TaskCalls = Pick<
  Store,
  | 'acceptTask'
  | 'taskUnder'
  | 'markPublished'
  | 'isPublished'
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
    async taskUnder(tenant, key) {
      const known = await client.command('GET', keys.idempotency(tenant, key));
      return typeof known === 'string' ? known.split(' ')[1] : undefined;
    },
    async markPublished(tenant, taskIds) {
      if (taskIds.length > 0) await client.command('ZREM', keys.unpublished(tenant), ...taskIds);
    },
    isPublished: async (tenant, taskId) => (await client.command('ZSCORE', keys.unpublished(tenant), taskId)) === null,
    listUnpublished: (tenant, olderThanMs, limit) => unpublished(client, { tenant, olderThanMs, limit }),
    withdrawTask: (task, error) => withdraw(client, task, error),
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
      ...[taskKey, keys.events(tenant, id), keys.tasks(tenant), keys.unpublished(tenant), keys.expiring(tenant)],
      ...orders.map(({ runId }) => keys.run(tenant, runId)),
    ],
    [
      ...[id, JSON.stringify(task), task.acceptedAt, positionOf(task)],
      ...[idempotency?.key ?? '', idempotency?.requestHash ?? '', task.runs],
      ...[startBy(task) ?? '', replyPlatformOf(task.origin) ? 1 : ''],
      ...orders.flatMap(({ index, target }) => [index, JSON.stringify(target)]),
    ],
  );
  const [kind, taskId] = reply as ['new' | 'taken'] | ['same' | 'conflict', string];
  return taskId === undefined ? { kind: kind as 'new' | 'taken' } : { kind: kind as 'same' | 'conflict', taskId };
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

async function withdraw(client: RedisClient, task: Task, error: RunError): Promise<'withdrawn' | 'kept'> {
  const { tenant } = task.principal;
  const prefixes = [keys.runPrefix(tenant), keys.idempotencyPrefix(tenant)];
  const args = [...prefixes, JSON.stringify(error), eventMore({ state: 'undeliverable', error })];
  const reply = await client.run(taskScripts.withdraw, wholeTaskKeys(tenant, task.id), [
    ...taskHeader(tenant, task.id),
    ...args,
    positionOf(task),
  ]);
  return reply as 'withdrawn' | 'kept';
}

async function cancel(client: RedisClient, tenant: string, taskId: string): Promise<CancelOutcome> {
  const args = [...taskHeader(tenant, taskId), keys.runPrefix(tenant)];
  const reply = await client.run(taskScripts.cancel, wholeTaskKeys(tenant, taskId), args);
  const [kind, state, ...more] = reply as ['absent' | 'final' | 'requested', TaskState, ...string[]];
  if (kind === 'requested') return { kind, state, leased: ordersOf(more) };
  return kind === 'absent' ? { kind } : { kind, state, cancelRequested: more[0] === '1' };
}

const readTask = async (client: RedisClient, tenant: string, taskId: string): Promise<readonly (string | null)[]> => {
  const reply = await client.command('HMGET', keys.task(tenant, taskId), ...taskFields);
  return reply as (string | null)[];
};

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
