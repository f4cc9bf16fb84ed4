import { isFinal, newId, type RunRecord, silentLogger } from '@moltbot/shared';
import { type Claim, type ClaimRequest, createSqliteStore, type Store } from '@moltbot/store';
import type { ShiftedClock } from './clock.ts';

/** A store that can lose all it knows while it goes on, as one that fails over to an empty replica. */
export interface ForgetfulStore {
  readonly store: Store;
  /** Resolves to the runs of these tasks that had ended: nobody will hear of them again. */
  empty(taskIds: readonly string[]): Promise<readonly RunRecord[]>;
}

export function createForgetfulStore(clock: ShiftedClock): ForgetfulStore {
  const retention = { tasksMs: 3_600_000, outputMs: 3_600_000 };
  const make = (): Store => createSqliteStore({ file: ':memory:', retention, clock, log: silentLogger });
  let current = make();
  let isEmptied = false;

  /** What the store of many processes does: a message that was delivered before it was emptied may have been started. */
  const claimAlone = async (request: ClaimRequest): Promise<Claim> => {
    const { order, redelivered } = request;
    const known = await current.getRuns(order.task.principal.tenant, order.task.id);
    if (isEmptied && redelivered && known.length === 0) {
      const gone = await current.claimRun({ ...request, worker: 'gone', leaseMs: 0, claimId: newId(), start: false });
      if (gone.verdict === 'run') await current.startRun(gone.token);
    }
    return current.claimRun(request);
  };
  let turn: Promise<unknown> = Promise.resolve();
  /** One after the other, as there it is one step. */
  const claimRun = (request: ClaimRequest): Promise<Claim> => {
    const claiming = turn.then(() => claimAlone(request));
    turn = claiming.catch(() => {});
    return claiming;
  };
  const store = new Proxy(current, {
    get(_target, name) {
      if (name === 'claimRun') return claimRun;
      const member: unknown = Reflect.get(current, name);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]): unknown => Reflect.apply(member, current, args);
    },
  });
  return {
    store,
    async empty(taskIds) {
      const former = current;
      const next = make();
      await next.start();
      current = next;
      isEmptied = true;
      const known = await Promise.all(taskIds.map((id) => former.getRuns('acme', id)));
      await former.stop();
      return known.flat().filter(({ state }) => isFinal(state));
    },
  };
}
