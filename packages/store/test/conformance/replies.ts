import { setTimeout as delay } from 'node:timers/promises';
import { MoltError, newId, type RunOrder, type RunOutcome, replyIdOf, type Task } from '@moltbot/shared';
import { describe, expect, it } from 'vitest';
import type { DeadLetter } from '../../src/port.ts';
import { answered, claimOf, done, error, first, fromChat, late, newTask, orderOf } from '../fixtures.ts';
import type { Suite } from './suite.ts';

/** Who is to be answered, and messages that died. */
export function repliesConformance(suite: Suite): void {
  describe('answering', () => answering(suite));
  describe('dead letters', () => deadLetters(suite));
}

function answering({ store, accept, claim, started }: Suite): void {
  const tenant = 'answers';
  const idsToAnswer = async () => (await store().listUnanswered(tenant, 0, 100)).map(({ task }) => task.id);

  it('lists ended tasks with a callback, oldest first, until they are marked', async () => {
    const open = await accept({ tenant, ...answered });
    const plain = await accept({ tenant });
    const [one, two] = [await accept({ tenant, ...answered }), await accept({ tenant, ...answered })];
    for (const task of [plain, two, one]) {
      await store().finishRun(await started(first(task.orders)), done);
      await delay(3);
    }
    const found = await store().listUnanswered(tenant, 0, 10);
    expect(found).toEqual([await store().getTask(tenant, two.task.id), await store().getTask(tenant, one.task.id)]);
    expect(first(found)).toMatchObject({ task: two.task, state: 'succeeded', counts: { succeeded: 1 } });
    expect(await store().listUnanswered(tenant, 0, 1)).toHaveLength(1);
    expect(await store().listUnanswered(tenant, 60_000, 10)).toEqual([]);
    expect(await store().listUnanswered('globex', 0, 10)).toEqual([]);
    await store().markAnswered(tenant, [two.task.id, open.task.id]);
    await store().markAnswered(tenant, []);
    expect(await idsToAnswer()).toEqual([one.task.id]);
    await store().finishRun(await started(first(open.orders)), done);
    expect(await idsToAnswer()).toEqual([one.task.id, open.task.id]);
    await store().markAnswered(tenant, [one.task.id, open.task.id]);
    expect(await idsToAnswer()).toEqual([]);
  });

  it('lists those a chat waits for as well, also when they were learned from a message', async () => {
    const known = await accept({ tenant, ...fromChat });
    const learned = newTask({ tenant, ...fromChat });
    for (const { orders } of [known, learned]) {
      await store().finishRun(await started(first(orders)), done);
      await delay(3);
    }
    expect(await idsToAnswer()).toEqual([known.task.id, learned.task.id]);
    await store().markAnswered(tenant, [known.task.id, learned.task.id]);
    expect(await idsToAnswer()).toEqual([]);
  });

  it('is due in whatever way a task ended', async () => {
    const given: Partial<Task> & { readonly tenant: string } = { tenant, ...answered, ...late() };
    const cancel = ({ task }: { task: Task }) => store().requestCancel(tenant, task.id);
    const ways: Record<string, (task: { task: Task; orders: readonly RunOrder[] }) => Promise<unknown>> = {
      cancelled: cancel,
      async 'cancelled at the start'(task) {
        const token = await claim(first(task.orders));
        await cancel(task);
        expect(await store().startRun(token)).toBe('cancelled');
      },
      async 'cancelled when given back'(task) {
        const token = await claim(first(task.orders));
        await cancel(task);
        await store().releaseRun(token);
      },
      async 'cancelled at a retry'(task) {
        const token = await claim(first(task.orders), { start: true });
        await cancel(task);
        expect(await store().retryRun(token, { error, delayMs: 0 })).toBe('cancelled');
      },
      async 'cancelled at a claim'(task) {
        await claim(first(task.orders), { leaseMs: -1 });
        await cancel(task);
        expect(await store().claimRun(claimOf(first(task.orders)))).toMatchObject({ verdict: 'final' });
      },
      expired: () => store().expireQueued(tenant, 100),
      abandoned: (task) => store().abandonRun(first(task.orders), { state: 'undeliverable' } satisfies RunOutcome),
    };
    for (const [way, end] of Object.entries(ways)) {
      const task = await accept(given);
      await end(task);
      expect(await idsToAnswer(), way).toEqual([task.task.id]);
      await store().markAnswered(tenant, [task.task.id]);
    }
    const { task } = newTask(given);
    await store().abandonRun(orderOf(task, 0), { state: 'undeliverable' });
    expect(await idsToAnswer()).toEqual([task.id]);
    await store().markAnswered(tenant, [task.id]);
  });

  it('is not due when the task was refused at the door', async () => {
    const one = await accept({ tenant, ...answered });
    await store().withdrawTask(one.task, error);
    const two = await accept({ tenant, ...answered });
    await store().requestCancel(tenant, two.task.id);
    await store().withdrawTask(two.task, error);
    expect(await idsToAnswer()).toEqual([]);
  });

  it('does not come back when the run of an answered task is resolved', async () => {
    const { orders, task } = await accept({ tenant, ...answered });
    await store().finishRun(await started(first(orders)), { state: 'unknown' });
    await store().markAnswered(tenant, [task.id]);
    await store().resolveRun(tenant, first(orders).runId, { as: 'done', by: 'key:ops', at: 1 });
    expect(await idsToAnswer()).toEqual([]);
  });

  it('remembers what was delivered, for each tenant', async () => {
    const replyId = replyIdOf(newId());
    expect(await store().wasDelivered(tenant, replyId)).toBe(false);
    await store().markDelivered(tenant, replyId);
    await store().markDelivered(tenant, replyId);
    expect(await store().wasDelivered(tenant, replyId)).toBe(true);
    expect(await store().wasDelivered('globex', replyId)).toBe(false);
  });
}

function deadLetters({ store }: Suite): void {
  const letter = (tenant: string, more: Partial<DeadLetter> = {}): DeadLetter => ({
    id: newId(),
    tenant,
    diedAt: Date.now(),
    reason: 'delivery_limit',
    queue: 'runs.default.acme.interactive',
    kind: 'run',
    bytes: Buffer.from([0, 255, 10, 34]),
    resubmitted: 0,
    ...more,
  });

  it('keeps what it is given, and what takes its place', async () => {
    const tenant = 'dead-one';
    const { queue: _, kind: __, ...unreadable } = letter(tenant, { id: 'ü/1: "x"' });
    const known = letter(tenant, { diedAt: unreadable.diedAt - 1 });
    for (const given of [unreadable, known]) await store().putDeadLetter(given);
    expect(await store().getDeadLetter(tenant, unreadable.id)).toEqual(unreadable);
    expect(await store().getDeadLetter('globex', known.id)).toBeUndefined();
    const again = { ...known, resubmitted: 1, diedAt: known.diedAt + 1_000, bytes: Buffer.alloc(0) };
    await store().putDeadLetter(again);
    expect(await store().getDeadLetter(tenant, known.id)).toEqual(again);
    expect(await store().listDeadLetters(tenant, { limit: 10 })).toEqual({ letters: [again, unreadable] });
    expect(await store().dropDeadLetter('globex', known.id)).toBe(false);
    expect(await store().dropDeadLetter(tenant, unreadable.id)).toBe(true);
    expect(await store().dropDeadLetter(tenant, unreadable.id)).toBe(false);
    expect(await store().getDeadLetter(tenant, unreadable.id)).toBeUndefined();
    expect(await store().listDeadLetters(tenant, { limit: 10 })).toEqual({ letters: [again] });
  });

  it('lists them from the newest to the oldest, page by page, also through one instant', async () => {
    const tenant = 'dead-list';
    const at = Date.now();
    const given = Array.from({ length: 7 }, (_, n) => letter(tenant, { diedAt: at - Math.floor(n / 3) }));
    for (const one of given) await store().putDeadLetter(one);
    const expected = given.toSorted((a, b) => b.diedAt - a.diedAt || (a.id < b.id ? 1 : -1)).map(({ id }) => id);
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await store().listDeadLetters(tenant, { limit: 2, cursor });
      seen.push(...page.letters.map(({ id }) => id));
      cursor = page.cursor;
      const last = page.letters.at(-1);
      // A page goes on from its last letter though that is gone.
      if (last) await store().dropDeadLetter(tenant, last.id);
    } while (cursor !== undefined);
    expect(seen).toEqual(expected);
    expect(await store().listDeadLetters('dead-none', { limit: 2 })).toEqual({ letters: [] });
    const full = letter('dead-full');
    await store().putDeadLetter(full);
    expect((await store().listDeadLetters('dead-full', { limit: 1 })).cursor).toBeUndefined();
    const refused = store().listDeadLetters(tenant, { limit: 1, cursor: 'x' });
    await expect(refused).rejects.toSatisfy((why) => why instanceof MoltError && why.code === 'MOLT_BAD_REQUEST');
  });
}
