import { newId, replyIdOf } from '@moltbot/shared';
import { eventually } from '@moltbot/testkit';
import { expect, it } from 'vitest';
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
    expect(await eventually('it is forgotten', () => store.expire())).toBe(1);
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
    await store.expire();
    const slice = await eventually('the output is gone', async () => {
      const found = await store.readOutput('forget-output', claimed.token.runId, 'stdout', 0, 10);
      return found?.data.length === 0 ? found : undefined;
    });
    expect(slice).toEqual({ data: Buffer.alloc(0), offset: 4, total: 4 });
    expect(await store.getTask('forget-output', task.task.id)).toMatchObject({ state: 'succeeded' });
    await store.stop();
  });
}
