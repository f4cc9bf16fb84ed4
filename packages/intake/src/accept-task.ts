import type { Bus, PublishOutcome } from '@moltbot/bus';
import { type Clock, type ErrorCode, idFrom, type Logger, MoltError, newId } from '@moltbot/shared';
import type { NewTask, Store } from '@moltbot/store';
import type { Submitted } from './port.ts';
import { publishOrders, queueOf } from './publish-orders.ts';
import type { PublishedMarks } from './published-marks.ts';
import type { TakeBack } from './take-back.ts';

export interface AcceptDeps {
  readonly bus: Bus;
  readonly store: Store;
  readonly marks: PublishedMarks;
  readonly takeBack: TakeBack;
  readonly clock: Clock;
  readonly log: Logger;
}

/** With another door that is about to publish what was asked for again. */
const patience = { looks: 20, everyMs: 50 };

/**
 * Records a task and publishes its runs. A rejection means that nothing of it runs; of one that `persists`, that it is to be asked for
 * again, or cancelled: it stays recorded.
 * @throws MOLT_IDEMPOTENCY_CONFLICT, MOLT_BUS_DOWN, MOLT_BUS_FULL, MOLT_NO_EXECUTOR, MOLT_STORE_DOWN
 */
export async function acceptTask(deps: AcceptDeps, wanted: NewTask, persists: boolean): Promise<Submitted | 'taken'> {
  const { bus, store, marks, takeBack, log } = deps;
  const { task, orders } = wanted;
  assertBusTakes(bus);
  const accepted = await store.acceptTask(wanted).catch((error: unknown) => {
    if (!persists) takeBack.add(task, error);
    throw error;
  });
  if (accepted.kind === 'taken') return accepted.kind;
  if (accepted.kind === 'conflict') throw idempotencyConflict(accepted.taskId);
  if (accepted.kind === 'same') {
    takeBack.forget(accepted.taskId);
    await publishUnlessPublished(deps, wanted, accepted.taskId);
    return { taskId: accepted.taskId, created: false };
  }
  // An earlier try under this id was refused; what is recorded now is not.
  takeBack.forget(task.id);
  const outcome = await publishOrders(bus, orders);
  if (outcome !== 'ok' && persists) throw refusalOf(wanted, outcome);
  if (outcome !== 'ok') await withdraw(deps, wanted, outcome);
  else marks.add(task.principal.tenant, task.id);
  log.info(
    { task: task.id, tenant: task.principal.tenant, trace: task.trace, action: task.action, runs: task.runs },
    'task accepted',
  );
  return { taskId: task.id, created: true, task };
}

/** The door that was asked first may have died before it published: an answer must not stand on the store alone. */
async function publishUnlessPublished(deps: AcceptDeps, { task, orders }: NewTask, taskId: string): Promise<void> {
  const { bus, store, marks, clock, log } = deps;
  const { tenant } = task.principal;
  // A door that lives is done by then, and has marked it.
  for (let looks = 0; looks < patience.looks; looks += 1) {
    if (await store.isPublished(tenant, taskId)) return;
    await clock.sleep(patience.everyMs);
  }
  // What is recorded under another id is found with the others; in between it may have been published.
  const recorded = taskId === task.id ? orders : await unpublishedOrders(store, tenant, taskId);
  const outcome = recorded ? await publishOrders(bus, recorded) : 'ok';
  log.warn({ task: taskId, tenant, outcome }, 'published a task again that was asked for again and never confirmed');
  if (outcome === 'ok') return marks.add(tenant, taskId);
  const [code, why] = refusals[outcome];
  throw new MoltError(code, `${why}; ask again with the same key`, { details: { taskId } });
}

const unpublishedOrders = async (store: Store, tenant: string, taskId: string) =>
  (await store.listUnpublished(tenant, 0, 1_000)).find(([order]) => order?.task.id === taskId);

/** What makes two requests one. */
export interface IdempotencyKey {
  readonly tenant: string;
  readonly key: string;
  readonly requestHash: string;
}

/**
 * Accepts what a key was given for under an id that follows from the key: when the store has been emptied since, the copy meets the
 * first one in the queue and on the target. @param ordersUnder makes the orders under this id, or a new one
 */
export async function acceptUnderKey(
  accept: (wanted: NewTask) => Promise<Submitted | 'taken'>,
  idempotency: IdempotencyKey | undefined,
  ordersUnder: (id: string | undefined) => Omit<NewTask, 'idempotency'>,
): Promise<Submitted> {
  const id = idempotency && idFrom(idempotency.tenant, idempotency.key, idempotency.requestHash);
  const accepted = await accept({ ...ordersUnder(id), idempotency });
  if (accepted !== 'taken') return accepted;
  // The first was withdrawn, and its messages may still be on their way: they must find what they belong to.
  const another = await accept({ ...ordersUnder(newId()), idempotency });
  if (another === 'taken') throw new MoltError('MOLT_INTERNAL', 'a new id is taken');
  return another;
}

/** Refuses before anything is recorded when it is already known that the bus cannot take it. */
function assertBusTakes(bus: Bus): void {
  const state = bus.state();
  if (state === 'blocked')
    throw new MoltError('MOLT_BUS_FULL', 'the broker is out of memory or disk and takes no messages');
  if (state !== 'ready') throw new MoltError('MOLT_BUS_DOWN', 'the message broker is not connected');
}

const idempotencyConflict = (taskId: string): MoltError =>
  new MoltError('MOLT_IDEMPOTENCY_CONFLICT', `the key belongs to task ${taskId}, whose request was another`, {
    details: { taskId },
  });

const refusals: Readonly<Record<Exclude<PublishOutcome, 'ok'>, readonly [ErrorCode, string]>> = {
  nacked: ['MOLT_BUS_FULL', 'the queue takes no more runs'],
  unroutable: ['MOLT_NO_EXECUTOR', 'no queue leads to the pool'],
  unknown: ['MOLT_BUS_DOWN', 'the broker did not confirm the task'],
};

function refusalOf(
  { task, orders }: Pick<NewTask, 'task' | 'orders'>,
  outcome: Exclude<PublishOutcome, 'ok'>,
): MoltError {
  const [code, why] = refusals[outcome];
  const pools = [...new Set(orders.map((order) => queueOf(order).pool))].join(', ');
  return new MoltError(code, `${why} (pool ${pools})`, { details: { taskId: task.id } });
}

/** Takes the task back, so that the refusal is true: nothing of it runs. Stands by it when a run was claimed meanwhile. */
async function withdraw(
  { store, takeBack, log }: AcceptDeps,
  { task, orders }: NewTask,
  outcome: Exclude<PublishOutcome, 'ok'>,
): Promise<void> {
  const error = refusalOf({ task, orders }, outcome);
  const { code, message, remedy } = error;
  const result = await store.withdrawTask(task, { code, message, remedy }).catch(() => {
    takeBack.add(task, error);
    throw error;
  });
  log.warn({ task: task.id, tenant: task.principal.tenant, outcome, result }, 'the bus did not take the whole task');
  if (result === 'withdrawn') throw error;
}
