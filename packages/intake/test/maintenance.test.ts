import type { PublishOutcome } from '@moltbot/bus';
import { type Envelope, MoltError, newId, type RunOrder, replyIdOf, runIdOf, type Task } from '@moltbot/shared';
import type { Store } from '@moltbot/store';
import { expect, test } from 'vitest';
import {
  alice,
  callback,
  chat,
  claim,
  discordReplies,
  type Lab,
  larkReplies,
  openLab,
  queuedOrders,
  replies,
  soon,
  submission,
  withBus,
} from './lab.ts';

const olderThanMs = 30_000;
const quick = { everyMs: 5, olderThanMs };

/** What a door leaves behind that dies between its record and its publication. */
async function orphan(lab: Lab, more: Partial<Task> = {}): Promise<Task> {
  const task: Task = {
    ...{ id: newId(), action: 'shell.run', args: { command: 'true' }, on: 'web-1', priority: 'interactive' },
    limits: { connectMs: 1_000, idleMs: 0, totalMs: 60_000, queueMs: 0, deadlineMs: 0, outputBytes: 1_000_000 },
    ...{
      principal: alice,
      origin: { kind: 'http', requestId: 'r-1' },
      acceptedAt: lab.clock.now(),
      trace: 't',
      runs: 1,
      class: 'guarded',
      retries: 0,
    },
    ...more,
  };
  const orders = Array.from({ length: task.runs }, (_, index): RunOrder => {
    const target = { name: `web-${index + 1}`, labels: {}, pool: 'default', transport: 'local' } as const;
    return { runId: runIdOf(task.id, index), index, target, task };
  });
  await lab.store.acceptTask({ task, orders });
  return task;
}

const idsOf = (messages: readonly Envelope[]): readonly string[] => messages.map(({ id }) => id);

/** Counts the rounds that are made, and lets a test fail them. */
function watched(lab: Lab, fail: () => boolean = () => false) {
  const rounds = { asked: 0, expired: 0 };
  const store: Store = {
    ...lab.store,
    async listUnpublished(...query) {
      if (query[0] === alice.tenant) rounds.asked += 1;
      if (fail()) throw new MoltError('MOLT_STORE_DOWN', 'down');
      return lab.store.listUnpublished(...query);
    },
    async expire() {
      const forgotten = await lab.store.expire();
      rounds.expired += 1;
      return forgotten;
    },
  };
  return { rounds, store };
}

/** Resolves when whole rounds were made from here on. */
async function moreRounds(rounds: { readonly expired: number }): Promise<void> {
  const before = rounds.expired;
  await expect.poll(() => rounds.expired, soon).toBeGreaterThan(before + 2);
}

test('what was recorded and never published is published once, under its own ids, when it is old enough', async () => {
  const lab = await openLab();
  const { rounds, store } = watched(lab);
  await lab.door({ store, sweep: quick });
  const task = await orphan(lab, { runs: 2 });
  lab.clock.advance(olderThanMs - 1);
  await moreRounds(rounds);
  await expect(lab.queued()).resolves.toEqual([]);
  lab.clock.advance(1);
  await moreRounds(rounds);
  const messages = await lab.queued();
  expect(idsOf(messages)).toEqual([runIdOf(task.id, 0), runIdOf(task.id, 1)]);
  expect(messages[0]).toMatchObject({ at: task.acceptedAt, trace: 't', body: { task, target: { name: 'web-1' } } });
});

test.each(['nacked', 'unroutable'] as const)('a task that is %s does not keep back those after it', async (refused) => {
  const lab = await openLab();
  const stuck = await orphan(lab);
  lab.clock.advance(1);
  const next = await orphan(lab);
  const publish = async (...[message, to]: Parameters<typeof lab.bus.publish>): Promise<PublishOutcome> =>
    message.id === runIdOf(stuck.id, 0) ? refused : lab.bus.publish(message, to);
  const { rounds, store } = watched(lab);
  lab.clock.advance(olderThanMs);
  await lab.door({ store, bus: withBus(lab.bus, { publish }), sweep: quick });
  await moreRounds(rounds);
  expect(idsOf(await lab.queued())).toEqual([runIdOf(next.id, 0)]);
});

test('the tasks of every tenant are looked after, and not those that ended', async () => {
  const lab = await openLab();
  const ended = await orphan(lab);
  await lab.store.requestCancel('acme', ended.id);
  const theirs = await orphan(lab, { principal: { tenant: 'other', id: 'key:x' } });
  lab.clock.advance(olderThanMs);
  const { rounds, store } = watched(lab);
  await lab.door({ store, sweep: quick });
  await moreRounds(rounds);
  const queue = { kind: 'runs', pool: 'default', tenant: 'other', priority: 'interactive' } as const;
  expect(idsOf(await lab.queued(queue))).toEqual([runIdOf(theirs.id, 0)]);
  await expect(lab.queued()).resolves.toEqual([]);
});

test('what the bus does not take stays recorded, and is published when it does', async () => {
  const lab = await openLab();
  let full = true;
  let refused = 0;
  const bus = withBus(lab.bus, {
    async publish(message, to) {
      if (!full) return lab.bus.publish(message, to);
      refused += 1;
      return 'nacked';
    },
  });
  const task = await orphan(lab);
  lab.clock.advance(olderThanMs);
  await lab.door({ bus, sweep: quick });
  await expect.poll(() => refused, soon).toBeGreaterThan(2);
  await expect(lab.store.getTask('acme', task.id)).resolves.toMatchObject({ state: 'queued' });
  full = false;
  await expect.poll(async () => idsOf(await lab.queued()), soon).toEqual([runIdOf(task.id, 0)]);
});

test('a store that was down for some rounds ends nothing', async () => {
  const lab = await openLab();
  let down = true;
  const { rounds, store } = watched(lab, () => down);
  const task = await orphan(lab);
  lab.clock.advance(olderThanMs);
  await lab.door({ store, sweep: quick });
  await expect.poll(() => rounds.asked, soon).toBeGreaterThan(3);
  expect(await lab.queued()).toEqual([]);
  down = false;
  await expect.poll(async () => idsOf(await lab.queued()), soon).toEqual([runIdOf(task.id, 0)]);
});

test('tasks past their retention are forgotten', async () => {
  const lab = await openLab();
  const { rounds, store } = watched(lab);
  await lab.door({ store, sweep: quick });
  const task = await orphan(lab);
  await lab.store.requestCancel('acme', task.id);
  lab.clock.advance(3_599_999);
  await moreRounds(rounds);
  await expect(lab.store.getTask('acme', task.id)).resolves.toMatchObject({ state: 'cancelled' });
  lab.clock.advance(1);
  await expect.poll(() => lab.store.getTask('acme', task.id), soon).toBeUndefined();
});

test('a duty that fails leaves the others their turn', async () => {
  const lab = await openLab();
  const { rounds, store } = watched(lab, () => true);
  const task = await orphan(lab);
  await lab.store.requestCancel('acme', task.id);
  await lab.door({ store, sweep: quick });
  lab.clock.advance(3_600_000);
  await expect.poll(() => lab.store.getTask('acme', task.id), soon).toBeUndefined();
  expect(rounds.asked).toBeGreaterThan(0);
});

test('a run that was not started in time is expired, and its message runs nothing', async () => {
  const lab = await openLab();
  const { rounds, store } = watched(lab);
  const door = await lab.door({ store, sweep: quick });
  const { taskId } = await door.submit(submission({ request: { queueTimeout: '10m' } }));
  lab.clock.advance(599_999);
  await moreRounds(rounds);
  await expect(lab.store.getTask('acme', taskId)).resolves.toMatchObject({ state: 'queued' });
  lab.clock.advance(1);
  const state = async () => (await lab.store.getTask('acme', taskId))?.state;
  await expect.poll(state, soon).toBe('expired');
  expect(await lab.store.getRuns('acme', taskId)).toMatchObject([{ error: { code: 'MOLT_RUN_EXPIRED' } }]);
  const [order] = await queuedOrders(lab);
  if (!order) return expect.fail('there is no order');
  await expect(claim(lab, order)).resolves.toEqual({ verdict: 'final', state: 'expired' });
});

/** Ends a task with a callback, and says nothing of it: what a worker does that dies there. */
async function endedUnanswered(lab: Lab, more: Partial<Task> = {}): Promise<Task> {
  const task = await orphan(lab, { origin: { kind: 'http', requestId: 'r-1', callback }, ...more });
  await lab.store.requestCancel(task.principal.tenant, task.id);
  return task;
}

test('the end of a task that nobody told is told once, when it is old enough', async () => {
  const lab = await openLab();
  const { rounds, store } = watched(lab);
  await lab.door({ store, sweep: quick });
  const task = await endedUnanswered(lab);
  const theirs = await endedUnanswered(lab, { principal: { tenant: 'other', id: 'key:x' } });
  await orphan(lab);
  lab.clock.advance(9_999);
  await moreRounds(rounds);
  await expect(lab.queued(replies)).resolves.toEqual([]);
  lab.clock.advance(1);
  await moreRounds(rounds);
  const answers = await lab.queued(replies);
  expect(idsOf(answers)).toEqual([replyIdOf(task.id), replyIdOf(theirs.id)]);
  const body = { task, state: 'cancelled', counts: { cancelled: 1 }, tries: 0 };
  expect(answers[0]).toMatchObject({ kind: 'reply', tenant: 'acme', trace: 't', body });
});

test('each end is told where it is waited for', async () => {
  const lab = await openLab();
  const called = await endedUnanswered(lab);
  const onDiscord = await endedUnanswered(lab, { origin: chat });
  const onLark = await endedUnanswered(lab, { origin: { ...chat, platform: 'lark' } });
  lab.clock.advance(10_000);
  await lab.door({ sweep: quick });
  await expect.poll(() => lab.store.listUnanswered('acme', 0, 5), soon).toEqual([]);
  const queues = [replies, discordReplies, larkReplies];
  const told = await Promise.all(queues.map(async (queue) => idsOf(await lab.queued(queue))));
  expect(told).toEqual([called, onDiscord, onLark].map(({ id }) => [replyIdOf(id)]));
});

test('more ends than one step takes are told in one round', async () => {
  const lab = await openLab();
  const tasks: Task[] = [];
  for (let n = 0; n < 101; n += 1) tasks.push(await endedUnanswered(lab));
  lab.clock.advance(10_000);
  // One round: the next is an hour away.
  await lab.door();
  await expect.poll(async () => (await lab.queued(replies)).length, soon).toBe(101);
  expect(new Set(idsOf(await lab.queued(replies)))).toEqual(new Set(tasks.map(({ id }) => replyIdOf(id))));
});

/** A bus that answers publications with these outcomes, then as it is. */
function withOutcomes(lab: Lab, outcomes: PublishOutcome[]) {
  const tried: string[] = [];
  const bus = withBus(lab.bus, {
    async publish(message, to) {
      tried.push(message.id);
      return outcomes.shift() ?? lab.bus.publish(message, to);
    },
  });
  return { bus, tried };
}

test('an answer the bus does not take is told when it does', async () => {
  const lab = await openLab();
  const { bus } = withOutcomes(lab, ['nacked', 'unroutable']);
  const task = await endedUnanswered(lab);
  lab.clock.advance(10_000);
  await lab.door({ bus, sweep: quick });
  await expect.poll(async () => idsOf(await lab.queued(replies)), soon).toEqual([replyIdOf(task.id)]);
  await expect.poll(() => lab.store.listUnanswered('acme', 0, 5), soon).toEqual([]);
});

test('an answer whose publication has no outcome is published again at once, under its id', async () => {
  const lab = await openLab();
  const { bus, tried } = withOutcomes(lab, ['unknown']);
  const task = await endedUnanswered(lab);
  lab.clock.advance(10_000);
  // One round: the next is an hour away.
  await lab.door({ bus });
  await expect.poll(async () => idsOf(await lab.queued(replies)), soon).toEqual([replyIdOf(task.id)]);
  expect(tried).toEqual([replyIdOf(task.id), replyIdOf(task.id)]);
});

test('a door keeps the contract of a service: stop before start, twice, and with or without quiesce', async () => {
  const lab = await openLab();
  const unstarted = lab.createDoor();
  await unstarted.stop();
  await unstarted.stop();
  const { rounds, store } = watched(lab);
  const door = lab.createDoor({ store, sweep: quick });
  await door.start();
  expect([door.name, door.health()]).toEqual(['intake', { ok: true }]);
  await moreRounds(rounds);
  await door.quiesce(AbortSignal.timeout(5_000));
  const asked = rounds.asked;
  await door.stop();
  await door.stop();
  const abrupt = lab.createDoor({ sweep: quick });
  await abrupt.start();
  await abrupt.stop();
  expect(rounds.asked).toBe(asked);
});
