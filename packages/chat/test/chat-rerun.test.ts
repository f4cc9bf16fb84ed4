import { newId, runIdOf, type Task, type TaskRecord } from '@moltbot/shared';
import { expect, test } from 'vitest';
import { commandToRepeat } from '../src/commands/command-to-repeat.ts';
import { type ChatLab, openChatLab, pressedBy, saidBy, soon, until } from './chat-lab.ts';

const newest = async ({ store }: ChatLab): Promise<Task | undefined> =>
  (await store.listTasks('acme', { limit: 1 })).tasks[0]?.task;
const asAskedFor = (task: Task | undefined) =>
  task && { action: task.action, args: task.args, on: task.on, limits: task.limits, class: task.class };

/** A task as a door that knows all options has made it of the newest. */
async function acceptLike(lab: ChatLab, change: Partial<Task>): Promise<Task> {
  const like = await newest(lab);
  if (!like) throw new Error('there is no task yet');
  const id = newId();
  const task: Task = { ...like, id, acceptedAt: lab.clock.now(), trace: id, ...change };
  const target = { name: 'web-1', labels: {}, pool: 'default', transport: 'local' } as const;
  await lab.store.acceptTask({ task, orders: [{ runId: runIdOf(id, 0), index: 0, target, task }] });
  return task;
}

test('a task is repeated with the time-out it was asked for with, by a button and by a command', async () => {
  const lab = await openChatLab();
  const one = await lab.instance();
  one.lead();
  await lab.link('ann');
  await one.handle(saidBy('ann', 'run on:web-1 timeout:5m -- exit 1'));
  await expect.poll(lab.openPosts, soon).toBe(0);
  const taskId = lab.ran[0]?.taskId ?? '';
  for (const again of [
    pressedBy('ann', `rerun:${taskId}`),
    pressedBy('ann', `rerun-failed:${taskId}`),
    saidBy('ann', `rerun ${taskId}`),
  ]) {
    const before = lab.ran.length;
    await one.handle(again);
    await until(() => lab.ran.length === before + 1);
    const task = await newest(lab);
    expect(task?.id).toBe(lab.ran.at(-1)?.taskId);
    expect(task?.limits.totalMs).toBe(300_000);
  }
});

const asked: Partial<Task> = {
  ...{ class: 'idempotent', retries: 2, priority: 'batch' },
  limits: {
    connectMs: 7_000,
    idleMs: 90_500,
    totalMs: 61_000,
    queueMs: 0,
    deadlineMs: 3_600_000,
    outputBytes: 1_000_000,
  },
};

test('a task is repeated with all that it was asked for with', async () => {
  const lab = await openChatLab();
  const one = await lab.instance();
  await lab.link('ann');
  await one.handle(saidBy('ann', 'run on:web-1 -- echo x'));
  const first = await acceptLike(lab, asked);
  await one.handle(pressedBy('ann', `rerun:${first.id}`));
  const second = await newest(lab);
  expect(second?.id).not.toBe(first.id);
  expect(asAskedFor(second)).toEqual(asAskedFor(first));
  expect(second).toMatchObject({ retries: 2, priority: 'batch' });
});

test('a task that asks first is repeated with all of it once it is decided', async () => {
  const lab = await openChatLab();
  const one = await lab.instance();
  one.lead();
  await lab.link('ann');
  await one.handle(saidBy('ann', 'run on:web-1 -- echo x'));
  await expect.poll(lab.openPosts, soon).toBe(0);
  const first = await acceptLike(lab, { ...asked, action: 'risky.deploy', args: { version: '3' } });
  await one.handle(pressedBy('ann', `rerun:${first.id}`));
  await until(() => lab.said().length === 2);
  await one.handle(pressedBy('ann', lab.said()[1]?.message.versions[0]?.buttons?.[0]?.id ?? ''));
  const second = await newest(lab);
  expect(second?.id).not.toBe(first.id);
  expect(asAskedFor(second)).toEqual(asAskedFor(first));
});

test('what the configuration alone may say is left to it: a class that the action has, and more than seven days', () => {
  const task = {
    ...{ action: 'a', args: { x: 1 }, on: 'web-1', class: 'guarded', retries: 0, priority: 'interactive' },
    limits: { connectMs: 1, idleMs: 0, totalMs: 1_000, queueMs: 10 * 86_400_000, deadlineMs: 0, outputBytes: 1 },
  };
  expect(commandToRepeat({ check: () => 'guarded' }, { task } as unknown as TaskRecord, 'web-2')).toEqual({
    ...{ verb: 'run', action: 'a', args: { x: 1 }, on: 'web-2', retries: 0, priority: 'interactive' },
    ...{ timeout: '1s', idleTimeout: '0s', connectTimeout: '1ms' },
  });
});
