import {
  type Envelope,
  isFinal,
  isKind,
  MoltError,
  type Principal,
  type RunOrder,
  type RunRecord,
} from '@moltbot/shared';
import type { DeadLetter } from '@moltbot/store';
import type { DeadLetterDeps, DeadLetters, Replayed } from './dead-letters-port.ts';
import { publishLetter } from './dead-letters-publish.ts';
import {
  messageOf,
  namesOf,
  orderOf,
  queueOfLetter,
  resubmittedReason,
  toLetter,
  toLetterSummary,
} from './dead-letters-view.ts';

type DeskDeps = Pick<DeadLetterDeps, 'bus' | 'store' | 'rerun' | 'log'>;

/** Where people look at dead letters, replay and drop them. */
export function createDeadLetterDesk(deps: DeskDeps): Pick<DeadLetters, 'list' | 'get' | 'replay' | 'drop'> {
  const { store, log } = deps;
  return {
    async list({ tenant }, query) {
      const { letters, cursor } = await store.listDeadLetters(tenant, query);
      return { letters: letters.filter(isShown).map(toLetterSummary), ...(cursor !== undefined && { cursor }) };
    },
    get: async (principal, id) => toLetter(await find(deps, principal, id)),
    async replay(principal, id) {
      const letter = await find(deps, principal, id);
      const replayed = await replay(deps, principal, letter);
      await store.dropDeadLetter(principal.tenant, id);
      log.info({ ...auditOf(principal, letter), ...replayed }, 'dead letter replayed');
      return replayed;
    },
    async drop(principal, id) {
      const letter = await find(deps, principal, id);
      if (!(await store.dropDeadLetter(principal.tenant, id))) throw noLetter(id);
      log.info(auditOf(principal, letter), 'dead letter dropped');
    },
  };
}

const isShown = ({ reason }: DeadLetter): boolean => reason !== resubmittedReason;

async function find({ store }: DeskDeps, { tenant }: Principal, id: string): Promise<DeadLetter> {
  const letter = await store.getDeadLetter(tenant, id);
  if (!letter || !isShown(letter)) throw noLetter(id);
  return letter;
}

async function replay(deps: DeskDeps, principal: Principal, letter: DeadLetter): Promise<Replayed> {
  const message = messageOf(letter);
  if (!message) throw cannot('this version cannot decode it');
  const order = orderOf(message);
  if (order) return replayRun(deps, principal, { letter, message, order });
  if (!isKind(message, 'reply')) throw cannot(`a ${message.kind} message is of no use any more`);
  const anew: Envelope = { ...message, body: { ...message.body, tries: 0 } };
  await publishLetter(deps.bus, anew, { queue: queueOfLetter(letter) });
  return { kind: 'message' };
}

async function replayRun(
  { bus, store, rerun }: DeskDeps,
  principal: Principal,
  { letter, message, order }: { readonly letter: DeadLetter; readonly message: Envelope; readonly order: RunOrder },
): Promise<Replayed> {
  const runs = await store.getRuns(principal.tenant, order.task.id);
  const run = runs.find(({ id }) => id === order.runId);
  if (run && !isFinal(run.state)) {
    await publishLetter(bus, message, { queue: queueOfLetter(letter) });
    return { kind: 'message' };
  }
  if (run) assertNeverRan(run);
  const { taskId } = await rerun(principal, order, `the dead letter ${letter.id} is replayed`);
  return { kind: 'task', taskId };
}

/** What ran, or may have, is not done again by a replay. */
function assertNeverRan({ id, state }: RunRecord): void {
  if (state === 'undeliverable' || state === 'expired') return;
  if (state !== 'unknown') throw cannot(`its run is ${state}`);
  throw new MoltError('MOLT_CANNOT_REPLAY', `its run ${id} is unknown: it may have run`, {
    remedy: 'Look at the target, then resolve the run as done or rerun; drop the letter after that.',
  });
}

const cannot = (why: string): MoltError => new MoltError('MOLT_CANNOT_REPLAY', why);

const noLetter = (id: string): MoltError => new MoltError('MOLT_NOT_FOUND', `no dead letter ${id}`);

function auditOf({ id: principal, tenant }: Principal, letter: DeadLetter): Readonly<Record<string, unknown>> {
  const message = messageOf(letter);
  const { taskId: task, runId: run } = message ? namesOf(message) : {};
  return { principal, tenant, letter: letter.id, task, run };
}
