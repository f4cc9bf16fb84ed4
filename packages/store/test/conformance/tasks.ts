import { newId } from '@moltbot/shared';
import { describe, expect, it } from 'vitest';
import { claimOf, error, first, newTask } from '../fixtures.ts';
import type { Suite } from './suite.ts';

/** Accepting, publishing, withdrawing and listing tasks. */
export function tasksConformance(suite: Suite): void {
  const { accept, claim, stateOf } = suite;
  describe('accepting', () => {
    it('shows the task and its runs as they were given', async () => {
      const { task, orders } = await accept({ runs: 3 });
      expect(await suite.store().getTask('acme', task.id)).toEqual({
        task,
        state: 'queued',
        counts: { queued: 3 },
        cancelRequested: false,
      });
      const runs = await suite.store().getRuns('acme', task.id);
      expect(runs.map(({ id, index, target, state }) => [id, index, target, state])).toEqual(
        orders.map(({ runId, index, target }) => [runId, index, target.name, 'queued']),
      );
      expect(first(runs)).toMatchObject({ attempts: 0, truncated: false, stdoutBytes: 0, stderrBytes: 0 });
    });

    it('knows nothing of a task that was not accepted, nor of one of another tenant', async () => {
      const { task } = await accept();
      expect(await suite.store().getTask('acme', newId())).toBeUndefined();
      expect(await suite.store().getTask('other', task.id)).toBeUndefined();
      expect(await suite.store().getRuns('other', task.id)).toEqual([]);
      expect(await suite.store().readEvents('other', task.id, 0, 10)).toEqual([]);
    });

    it('takes the same task once', async () => {
      const task = await accept();
      expect(await suite.store().acceptTask(task)).toEqual({ kind: 'same', taskId: task.task.id });
    });

    it('gives the same task for the same idempotency key, and refuses another request under it', async () => {
      const key = newId();
      const one = { ...newTask(), idempotency: { key, requestHash: 'sha256:1' } };
      const two = { ...newTask(), idempotency: { key, requestHash: 'sha256:1' } };
      const other = { ...newTask(), idempotency: { key, requestHash: 'sha256:2' } };
      expect(await suite.store().acceptTask(one)).toEqual({ kind: 'new' });
      expect(await suite.store().acceptTask(two)).toEqual({ kind: 'same', taskId: one.task.id });
      expect(await suite.store().acceptTask(other)).toEqual({ kind: 'conflict', taskId: one.task.id });
      expect(await suite.store().getTask('acme', two.task.id)).toBeUndefined();
      expect(await suite.store().getTask('acme', other.task.id)).toBeUndefined();
      const elsewhere = { ...newTask({ tenant: 'globex' }), idempotency: { key, requestHash: 'sha256:1' } };
      expect(await suite.store().acceptTask(elsewhere)).toEqual({ kind: 'new' });
    });

    it('asks for another id when the one that follows from the key is of a task that was withdrawn', async () => {
      const { task, orders } = newTask();
      const idempotency = { key: newId(), requestHash: 'h' };
      await suite.store().acceptTask({ task, orders, idempotency });
      await suite.store().withdrawTask(task, error);
      expect(await suite.store().acceptTask({ task, orders, idempotency })).toEqual({ kind: 'taken' });
      expect(await suite.store().acceptTask({ ...newTask(), idempotency })).toEqual({ kind: 'new' });
    });

    it('keeps a task that was accepted anew under the id that an earlier refusal is about', async () => {
      const { task, orders } = newTask();
      await suite.store().acceptTask({ task, orders });
      const earlier = { ...task, acceptedAt: task.acceptedAt - 500 };
      expect(await suite.store().withdrawTask(earlier, error)).toBe('kept');
      expect(await suite.store().getTask(task.principal.tenant, task.id)).toMatchObject({ state: 'queued' });
    });

    it('knows a task again that it learned from a message, and its key from then on', async () => {
      const { task, orders } = newTask();
      await suite.store().claimRun(claimOf(first(orders)));
      const idempotency = { key: newId(), requestHash: 'h' };
      const same = { kind: 'same', taskId: task.id };
      expect(await suite.store().acceptTask({ task, orders, idempotency })).toEqual(same);
      expect(await suite.store().acceptTask({ ...newTask(), idempotency })).toEqual(same);
    });

    it('knows what is on the bus, and what may be in the store alone', async () => {
      const { task } = await accept();
      const isPublished = () => suite.store().isPublished(task.principal.tenant, task.id);
      expect(await isPublished()).toBe(false);
      await suite.store().markPublished(task.principal.tenant, [task.id]);
      expect(await isPublished()).toBe(true);
      const other = await accept();
      await suite.store().requestCancel(other.task.principal.tenant, other.task.id);
      expect(await suite.store().isPublished(other.task.principal.tenant, other.task.id)).toBe(true);
    });

    it('lets one of many at a time win an idempotency key', async () => {
      const key = newId();
      const tasks = Array.from({ length: 20 }, () => ({ ...newTask(), idempotency: { key, requestHash: 'h' } }));
      const outcomes = await Promise.all(tasks.map((task) => suite.store().acceptTask(task)));
      expect(outcomes.filter(({ kind }) => kind === 'new')).toHaveLength(1);
      const winner = tasks[outcomes.findIndex(({ kind }) => kind === 'new')];
      for (const outcome of outcomes) {
        if (outcome.kind !== 'new') expect(outcome).toEqual({ kind: 'same', taskId: winner?.task.id });
      }
    });
  });

  describe('publishing', () => {
    const tenant = 'sweep';
    it('lists what is not known to be published, oldest first, with its orders', async () => {
      const past = Date.now() - 60_000;
      const old = await accept({ tenant, acceptedAt: past, runs: 2 });
      const older = await accept({ tenant, acceptedAt: past - 1 });
      await accept({ tenant });
      expect(await suite.store().listUnpublished(tenant, 30_000, 10)).toEqual([older.orders, old.orders]);
      expect(await suite.store().listUnpublished(tenant, 30_000, 1)).toEqual([older.orders]);
      await suite.store().markPublished(tenant, [older.task.id]);
      expect(await suite.store().listUnpublished(tenant, 30_000, 10)).toEqual([old.orders]);
      await suite.store().requestCancel(tenant, old.task.id);
      expect(await suite.store().listUnpublished(tenant, 30_000, 10)).toEqual([]);
    });

    it('withdraws a task nobody claimed, and frees its key', async () => {
      const idempotency = { key: newId(), requestHash: 'h' };
      const task = { ...newTask({ runs: 2 }), idempotency };
      await suite.store().acceptTask(task);
      expect(await suite.store().withdrawTask(task.task, error)).toBe('withdrawn');
      expect(await stateOf(task)).toBe('undeliverable');
      expect((await suite.store().getRuns('acme', task.task.id)).map((given) => [given.state, given.error])).toEqual([
        ['undeliverable', error],
        ['undeliverable', error],
      ]);
      expect(await suite.store().acceptTask({ ...newTask(), idempotency })).toEqual({ kind: 'new' });
      expect(await suite.store().withdrawTask(task.task, error)).toBe('withdrawn');
      expect(await suite.store().acceptTask({ ...newTask(), idempotency })).toMatchObject({ kind: 'same' });
      expect(await suite.store().claimRun(claimOf(first(task.orders)))).toEqual({
        verdict: 'final',
        state: 'undeliverable',
      });
    });

    it('keeps a task of which a run was claimed', async () => {
      const task = await accept({ runs: 2 });
      await suite.store().releaseRun(await claim(first(task.orders)));
      expect(await suite.store().withdrawTask(task.task, error)).toBe('kept');
      expect(await stateOf(task)).toBe('queued');
    });
  });

  describe('listing', () => {
    it('goes from the newest to the oldest, page by page, also through one instant', async () => {
      const tenant = 'list-all';
      const at = Date.now();
      const tasks = [];
      for (let n = 0; n < 7; n++) tasks.push(await accept({ tenant, acceptedAt: at - Math.floor(n / 3) }));
      const ids = tasks.map(({ task }) => [task.acceptedAt, task.id] as const);
      const expected = ids.sort(([a, x], [b, y]) => b - a || (x < y ? 1 : -1)).map(([, id]) => id);
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await suite.store().listTasks(tenant, { limit: 2, cursor });
        seen.push(...page.tasks.map(({ task }) => task.id));
        cursor = page.cursor;
      } while (cursor !== undefined);
      expect(seen).toEqual(expected);
    });

    it('says that there is no more when a page holds the last', async () => {
      const tenant = 'list-last';
      for (let n = 0; n < 4; n++) await accept({ tenant });
      const one = await suite.store().listTasks(tenant, { limit: 2 });
      expect(one.cursor).toBeDefined();
      const two = await suite.store().listTasks(tenant, { limit: 2, cursor: one.cursor });
      expect(two.tasks).toHaveLength(2);
      expect(two.cursor).toBeUndefined();
      expect(await suite.store().listTasks('list-none', { limit: 10 })).toEqual({ tasks: [] });
    });

    it('filters by state, action and time', async () => {
      const tenant = 'list-filter';
      const at = Date.now() - 1_000;
      const old = await accept({ tenant, acceptedAt: at, action: 'file.sync' });
      const ended = await accept({ tenant, acceptedAt: at + 1 });
      const recent = await accept({ tenant, acceptedAt: at + 2 });
      await suite.store().requestCancel(tenant, ended.task.id);
      const ids = async (query: object) =>
        (await suite.store().listTasks(tenant, { limit: 10, ...query })).tasks.map(({ task }) => task.id);
      expect(await ids({ states: ['queued'] })).toEqual([recent.task.id, old.task.id]);
      expect(await ids({ states: ['queued', 'cancelled'], action: 'shell.run' })).toEqual([
        recent.task.id,
        ended.task.id,
      ]);
      expect(await ids({ since: at + 1 })).toEqual([recent.task.id, ended.task.id]);
      expect(await ids({ until: at + 1 })).toEqual([old.task.id]);
      expect(await ids({ since: at + 1, until: at + 2 })).toEqual([ended.task.id]);
      expect(await ids({ states: [] })).toEqual([]);
    });

    it('refuses a cursor that is not one', async () => {
      const refused = suite.store().listTasks('acme', { limit: 1, cursor: '\u0000; DROP' });
      await expect(refused).rejects.toMatchObject({ code: 'MOLT_BAD_REQUEST' });
    });
  });
}
