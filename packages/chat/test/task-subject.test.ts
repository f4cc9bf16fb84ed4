import { systemClock } from '@moltbot/shared';
import { expect, test } from 'vitest';
import type { Post } from '../src/posts/post.ts';
import { createTaskSubject } from '../src/posts/task-subject.ts';
import { runOf, taskId, viewOf } from './render-lab.ts';

const post: Post = {
  ...{ id: taskId, tenant: 'acme', place: { channel: 'general' }, language: 'en', subject: { kind: 'task', taskId } },
  ...{ createdAt: 0, messages: [], files: 0 },
};

test('a task that ends while it is read is shown as ended, not as half of it', async () => {
  const [before, after] = [viewOf([runOf(0, 'running')], {}), viewOf([runOf(0, 'succeeded')], {})];
  const records = [before.task, after.task];
  const store = {
    getTask: async () => records.shift(),
    getRuns: async () => after.runs,
    tailOutput: async () => undefined,
    readOutput: async () => undefined,
    watchEnd: () => () => {},
  };
  const limits = {
    ...{ ...after.limits, fileBytes: 1_000, editEveryMs: 0, editsPerMessage: 10, editableForMs: 1_000 },
    channel: { calls: 10, perMs: 1_000, reserve: 0 },
  };
  const deps = { store, limits, clock: systemClock, posts: { get: async () => undefined } };
  const { message, isFinal } = await createTaskSubject(deps, post, taskId).look();
  expect([isFinal, message.tone]).toEqual([true, 'success']);
  expect(message.buttons?.map(({ label }) => label)).toEqual(['Rerun', 'Details']);
  expect(message.text?.join()).toContain('succeeded');
});
