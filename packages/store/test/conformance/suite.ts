import type { RunOrder, RunRecord, TaskState } from '@moltbot/shared';
import { expect } from 'vitest';
import type { ClaimRequest, HeldRun, NewTask, RunToken, Store, TaskEvent } from '../../src/port.ts';
import type { Retention } from '../../src/retention.ts';
import { claimOf, newTask } from '../fixtures.ts';

/** Gives a store, not started; those of one suite may share what is behind them, as each test uses tasks of its own. */
export type CreateStore = (retention: Retention, lostAfterMs?: number) => Store;

/** The steps most tests begin with; each expects to succeed. */
export interface Suite {
  readonly store: () => Store;
  accept(given?: Parameters<typeof newTask>[0]): Promise<NewTask>;
  claim(order: RunOrder, more?: Partial<ClaimRequest>): Promise<RunToken>;
  /** As `claim`, of a run that had started under a worker that is gone. */
  takeOver(order: RunOrder, more?: Partial<ClaimRequest>): Promise<HeldRun>;
  started(order: RunOrder, more?: Partial<ClaimRequest>): Promise<RunToken>;
  run(order: RunOrder): Promise<RunRecord | undefined>;
  stateOf(task: NewTask): Promise<TaskState | undefined>;
  events(task: NewTask, after?: number, limit?: number): Promise<readonly TaskEvent[]>;
}

export function suiteOf(store: () => Store): Suite {
  const claim: Suite['claim'] = async (order, more = {}) => {
    const claimed = await store().claimRun(claimOf(order, more));
    if (claimed.verdict !== 'run') throw new Error(`the claim gave ${JSON.stringify(claimed)}`);
    return claimed.token;
  };
  return {
    store,
    claim,
    async takeOver(order, more = {}) {
      const claimed = await store().claimRun(claimOf(order, { worker: 'w2', ...more }));
      if (claimed.verdict !== 'lost') throw new Error(`the claim gave ${JSON.stringify(claimed)}`);
      return claimed;
    },
    async accept(given = {}) {
      const task = newTask(given);
      expect(await store().acceptTask(task)).toEqual({ kind: 'new' });
      return task;
    },
    async started(order, more = {}) {
      const token = await claim(order, more);
      expect(await store().startRun(token)).toBe('ok');
      return token;
    },
    run: async ({ runId, task }) =>
      (await store().getRuns(task.principal.tenant, task.id)).find(({ id }) => id === runId),
    stateOf: async ({ task }) => (await store().getTask(task.principal.tenant, task.id))?.state,
    events: ({ task }, after = 0, limit = 1_000) => store().readEvents(task.principal.tenant, task.id, after, limit),
  };
}
