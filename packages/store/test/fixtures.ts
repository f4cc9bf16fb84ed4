import {
  type Callback,
  newId,
  type RunError,
  type RunOrder,
  type RunOutcome,
  runIdOf,
  type Task,
} from '@moltbot/shared';
import type { ClaimRequest, NewTask, OutputChunk } from '../src/port.ts';

/** A task of `runs` runs, accepted now unless said otherwise, with an order each. */
export function newTask(given: Partial<Task> & { readonly tenant?: string } = {}): NewTask & { readonly task: Task } {
  const { tenant = 'acme', ...fields } = given;
  const task: Task = {
    id: newId(),
    action: 'shell.run',
    args: { command: 'echo "ü" \\ | cat' },
    on: 'web-*',
    priority: 'interactive',
    limits: { connectMs: 1_000, idleMs: 0, totalMs: 60_000, outputBytes: 1_000_000, queueMs: 0, deadlineMs: 0 },
    class: 'guarded',
    retries: 0,
    principal: { tenant, id: 'key:1' },
    origin: { kind: 'http', requestId: 'r-1' },
    acceptedAt: Date.now(),
    trace: 'trace-1',
    runs: 1,
    ...fields,
  };
  return { task, orders: Array.from({ length: task.runs }, (_, index) => orderOf(task, index)) };
}

export const orderOf = (task: Task, index: number): RunOrder => ({
  runId: runIdOf(task.id, index),
  index,
  target: { name: `web-${index}`, labels: { env: 'prod' }, pool: 'default', transport: 'local' },
  task,
});

export const claimOf = (order: RunOrder, more: Partial<ClaimRequest> = {}): ClaimRequest => ({
  order,
  worker: 'w1',
  leaseMs: 10_000,
  redelivered: false,
  publishedAt: Date.now(),
  claimId: newId(),
  start: false,
  ...more,
});

export const stdout = (text: string): OutputChunk => ({ stream: 'stdout', data: Buffer.from(text) });
export const stderr = (text: string): OutputChunk => ({ stream: 'stderr', data: Buffer.from(text) });

const callback: Callback = { url: 'https://example.test/ended', secret: `whsec_${'A'.repeat(32)}` };

/** Of a task that is answered when it has ended. */
export const answered: Pick<Task, 'origin'> = { origin: { kind: 'http', requestId: 'r-1', callback } };

/** Of a task that a chat waits for. */
export const fromChat: Pick<Task, 'origin'> = {
  origin: {
    ...{ kind: 'chat', platform: 'discord', account: 'ops', place: { channel: 'c-1' } },
    ...{ event: 'e-1', actor: 'u-1', language: 'en' },
  },
};

/** Of a task whose runs had to start a minute ago. */
export const late = (): Pick<Task, 'acceptedAt' | 'limits'> => ({
  acceptedAt: Date.now() - 120_000,
  limits: { connectMs: 1_000, idleMs: 0, totalMs: 60_000, outputBytes: 1_000_000, queueMs: 60_000, deadlineMs: 90_000 },
});

/** The first of a list that must not be empty. */
export function first<T>([item]: readonly T[]): T {
  if (item === undefined) throw new Error('the list is empty');
  return item;
}

export const done: RunOutcome = { state: 'succeeded', exitCode: 0 };
export const error: RunError = { code: 'MOLT_BUS_FULL', message: 'the queue is full', remedy: 'try later' };
