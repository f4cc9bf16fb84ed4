import { newId, replyIdOf, ScheduleSpec } from '@moltbot/shared';
import { eventually } from '@moltbot/testkit';
import { expect, it } from 'vitest';
import type { Store } from '../../src/port.ts';
import type { NewOccurrence } from '../../src/schedules-port.ts';
import { answered, claimOf, error, first, late, newTask, stdout } from '../fixtures.ts';
import type { CreateStore } from './suite.ts';

/** What is deleted, and when. */
export function forgettingConformance(create: CreateStore): void {
  it('tasks that ended, with all that belongs to them, and keeps those that did not', async () => {
    const store = create({ tasksMs: 0, outputMs: 0 });
    await store.start();
    await eventually('what other tests left is gone', async () => (await store.expire()) === 0);
    const tenant = 'forget';
    const idempotency = { key: newId(), requestHash: 'h' };
    const ended = { ...newTask({ tenant }), idempotency };
    const open = newTask({ tenant });
    await store.acceptTask(ended);
    await store.acceptTask(open);
    const claimed = await store.claimRun(claimOf(first(ended.orders)));
    if (claimed.verdict !== 'run') throw new Error(claimed.verdict);
    await store.startRun(claimed.token);
    await store.finishRun(claimed.token, { state: 'succeeded' }, { at: 0, chunks: [stdout('gone')] });
    expect(await eventually('it is forgotten', async () => (await store.expire()) || undefined)).toBe(1);
    expect(await store.expire()).toBe(0);
    expect(await store.getTask(tenant, ended.task.id)).toBeUndefined();
    expect(await store.getRuns(tenant, ended.task.id)).toEqual([]);
    expect(await store.readEvents(tenant, ended.task.id, 0, 10)).toEqual([]);
    expect(await store.readOutput(tenant, claimed.token.runId, 'stdout', 0, 10)).toBeUndefined();
    expect((await store.listTasks(tenant, { limit: 10 })).tasks.map(({ task }) => task.id)).toEqual([open.task.id]);
    expect(await store.acceptTask({ ...newTask({ tenant }), idempotency })).toEqual({ kind: 'new' });
    await store.stop();
  });

  it('what is remembered of replies, and letters that died long ago', async () => {
    const store = create({ tasksMs: 0, outputMs: 0 });
    await store.start();
    const tenant = 'forget-replies';
    const task = newTask({ tenant, ...answered, ...late() });
    await store.acceptTask(task);
    await store.requestCancel(tenant, task.task.id);
    await store.markDelivered(tenant, replyIdOf(task.task.id));
    const letter = { tenant, id: 'old', reason: 'x', bytes: Buffer.from('x'), resubmitted: 0 };
    await store.putDeadLetter({ ...letter, diedAt: Date.now() - 1 });
    await store.putDeadLetter({ ...letter, id: 'later', diedAt: Date.now() + 60_000 });
    await eventually('it is forgotten', async () => {
      await store.expire();
      return (await store.getTask(tenant, task.task.id)) === undefined;
    });
    expect(await store.listUnanswered(tenant, 0, 10)).toEqual([]);
    expect(await store.expireQueued(tenant, 10)).toBe(0);
    await eventually('the delivery is forgotten', async () => {
      await store.expire();
      return !(await store.wasDelivered(tenant, replyIdOf(task.task.id)));
    });
    expect((await store.listDeadLetters(tenant, { limit: 10 })).letters.map(({ id }) => id)).toEqual(['later']);
    expect(await store.getDeadLetter(tenant, 'old')).toBeUndefined();
    await store.stop();
  });

  it('output of a run that ended while it waited for its next attempt', async () => {
    const store = create({ tasksMs: 604_800_000, outputMs: 0 });
    await store.start();
    const tenant = 'forget-retried';
    const ends: Record<string, (task: ReturnType<typeof newTask>) => Promise<unknown>> = {
      cancelled: ({ task }) => store.requestCancel(tenant, task.id),
      expired: () => store.expireQueued(tenant, 10),
      undeliverable: ({ orders }) => store.abandonRun(first(orders), { state: 'undeliverable' }),
    };
    for (const [state, end] of Object.entries(ends)) {
      const task = newTask({ tenant, ...late() });
      await store.acceptTask(task);
      const claimed = await store.claimRun(claimOf(first(task.orders), { start: true }));
      if (claimed.verdict !== 'run') throw new Error(claimed.verdict);
      await store.retryRun(claimed.token, { error, delayMs: 0, rest: { at: 0, chunks: [stdout('gone')] } });
      const read = () => store.readOutput(tenant, claimed.token.runId, 'stdout', 0, 10);
      expect((await read())?.data.toString()).toBe('gone');
      await end(task);
      expect(await store.getTask(tenant, task.task.id)).toMatchObject({ state });
      await eventually(`the output is gone when ${state}`, async () => {
        await store.expire();
        return (await read())?.data.length === 0;
      });
    }
    await store.stop();
  });

  it('output before the task, and says how much there was', async () => {
    const store = create({ tasksMs: 604_800_000, outputMs: 0 });
    await store.start();
    const task = newTask({ tenant: 'forget-output' });
    await store.acceptTask(task);
    const claimed = await store.claimRun(claimOf(first(task.orders)));
    if (claimed.verdict !== 'run') throw new Error(claimed.verdict);
    await store.startRun(claimed.token);
    await store.appendOutput(claimed.token, 0, [stdout('gone')]);
    expect((await store.readOutput('forget-output', claimed.token.runId, 'stdout', 0, 10))?.data.toString()).toBe(
      'gone',
    );
    await store.finishRun(claimed.token, { state: 'succeeded' });
    const slice = await eventually('the output is gone', async () => {
      await store.expire();
      const found = await store.readOutput('forget-output', claimed.token.runId, 'stdout', 0, 10);
      return found?.data.length === 0 ? found : undefined;
    });
    expect(slice).toEqual({ data: Buffer.alloc(0), offset: 4, total: 4 });
    expect(await store.getTask('forget-output', task.task.id)).toMatchObject({ state: 'succeeded' });
    await store.stop();
  });

  const week = 604_800_000;
  const plan = async (store: Store, tenant: string) => {
    const spec = ScheduleSpec.parse({ when: '@daily', task: { action: 'shell.run', on: 'web-1' } });
    const { record } = await store.putSchedule({ tenant, id: newId(), spec, source: 'api', by: 'k', plan: 'daily' });
    const place = { tenant, scheduleId: record.id };
    const occurrences = (['fired', 'waiting', 'skipped', 'missed'] as const).map(
      (state, index): NewOccurrence => ({ at: index, due: index, kind: 'planned', state }),
    );
    await store.decideOccurrences({ ...place, revision: record.revision, epoch: 1, occurrences });
    const left = async (): Promise<readonly string[]> => {
      await store.expire();
      const page = await store.listOccurrences(tenant, record.id, { limit: 10 });
      const listed = page.occurrences.map(({ at, state }) => `${at} ${state}`);
      const read = await Promise.all([3, 2, 1, 0].map((at) => store.getOccurrence(tenant, record.id, at)));
      expect(read.flatMap((each) => (each ? [`${each.at} ${each.state}`] : []))).toEqual(listed);
      return listed;
    };
    return { place, left };
  };
  it('occurrences by a retention of their own, and none that is open', async () => {
    const store = create({ tasksMs: week, outputMs: week, occurrencesMs: 0 });
    await store.start();
    const tenant = 'forget-occurrences';
    const task = newTask({ tenant, ...late() });
    await store.acceptTask(task);
    await store.requestCancel(tenant, task.task.id);
    const { place, left } = await plan(store, tenant);
    const isLeft = (expected: string) => async () => (await left()).join() === expected;
    expect(await store.reopenOccurrence(tenant, place.scheduleId, 3)).toBe('ok');
    await eventually('what was skipped is forgotten', isLeft('3 waiting,1 waiting,0 fired'));
    await store.endOccurrence({ ...place, at: 0, outcome: 'succeeded', failed: false });
    await eventually('what has ended is forgotten', isLeft('3 waiting,1 waiting'));
    await store.moveOccurrence({ ...place, at: 1, to: { state: 'skipped', reason: 'overlap' } });
    await eventually('what waits no more is forgotten', isLeft('3 waiting'));
    expect(await store.getTask(tenant, task.task.id)).toMatchObject({ state: 'cancelled' });
    await store.stop();
  });

  it('occurrences later than their tasks, when they are to be kept longer', async () => {
    const store = create({ tasksMs: 0, outputMs: 0, occurrencesMs: week });
    await store.start();
    const tenant = 'forget-tasks-first';
    const task = newTask({ tenant, ...late() });
    await store.acceptTask(task);
    await store.requestCancel(tenant, task.task.id);
    const { left } = await plan(store, tenant);
    await eventually('the task is forgotten', async () => {
      expect(await left()).toEqual(['3 missed', '2 skipped', '1 waiting', '0 fired']);
      return (await store.getTask(tenant, task.task.id)) === undefined;
    });
    await store.stop();
  });

  it('occurrences so long after their end, however long ago they were decided', async () => {
    const store = create({ tasksMs: week, outputMs: week, occurrencesMs: 4_000 });
    await store.start();
    const { place, left } = await plan(store, 'forget-late');
    await eventually('those that ended at once are forgotten', async () => (await left()).length === 2);
    await store.endOccurrence({ ...place, at: 0, outcome: 'succeeded', failed: false });
    expect(await left()).toEqual(['1 waiting', '0 fired']);
    await eventually('the other one is, too', async () => (await left()).join() === '1 waiting');
    await store.stop();
  });
}
