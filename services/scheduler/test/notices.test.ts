import { type Notification, runIdOf, type ScheduleRecord, silentLogger, type TaskRecord } from '@moltbot/shared';
import { expect, test } from 'vitest';
import { createNotices } from '../src/notices.ts';
import { specOf } from './lab.ts';
import { travel } from './travel.ts';

function open(more: Record<string, unknown>) {
  const told: Notification[] = [];
  const notices = createNotices({ notify: async (each) => void told.push(each), log: silentLogger });
  const record: ScheduleRecord = {
    ...{ tenant: 'acme', id: 'job', spec: specOf(more), revision: 7, source: 'api', createdBy: 'key:1' },
    ...{ createdAt: 1, updatedAt: 1, cursor: 1, activeSince: 1, failures: 0 },
  };
  return { told, notices, record };
}
const task = { state: 'failed', task: { id: 't' } } as TaskRecord;
const noon = Date.UTC(2026, 10, 27, 12);

test('what asks for channels of its own names them, and what does not leaves them to the routes', async () => {
  const alert = (title: string, to?: readonly string[]) => ({ if: 'result > 1', title, ...(to && { to }) });
  const { told, notices, record } = open({
    onFailure: { to: ['ops', 'log'] },
    alerts: [alert('here', ['db']), alert('anywhere')],
  });
  const runs = [{ target: 'web-1', index: 0, data: 2 }] as unknown as Parameters<typeof notices.results>[1]['runs'];
  await notices.failed(record, { at: noon, task });
  await notices.missed(record, { at: noon });
  await notices.paused(record, { at: noon, failures: 3 });
  await notices.results(record, { at: noon, task, runs });
  expect(told.map(({ title, to }) => [title, to])).toEqual([
    ['Schedule job: failed', ['ops', 'log']],
    ['Schedule job missed an occurrence', ['ops', 'log']],
    ['Schedule job is paused after 3 failures', ['ops', 'log']],
    ['here (web-1)', ['db']],
    ['anywhere (web-1)', undefined],
  ]);
});

test('a pause is of the instant whose failure was the last: told again it is the same, the next one is another', async () => {
  const { told, notices, record } = open({ onFailure: {} });
  await notices.paused(record, { at: noon, failures: 3 });
  await notices.paused({ ...record, revision: 8 }, { at: noon, failures: 3 });
  await notices.paused(record, { at: noon + 1_000, failures: 3 });
  const [first, again, next] = told;
  expect(first).toMatchObject({ at: noon, fields: [{ name: 'instant', value: '2026-11-27T12:00:00.000Z' }] });
  expect(again?.id).toBe(first?.id);
  expect(next?.id).not.toBe(first?.id);
});

test('a schedule that pauses itself tells so with the instant that failed', async () => {
  const { lab, clock } = await travel('2027-03-01T00:00:30Z');
  await lab.put('job', { when: 'at 2027-03-01T00:01:00Z', pauseAfter: 1, onFailure: { to: ['ops'] } });
  await lab.scheduler();
  await clock.passUntil('the task', () => lab.accepted.length === 1);
  const taskId = lab.accepted[0]?.split(' ')[1] ?? '';
  const accepted = await lab.store.getTask('acme', taskId);
  if (!accepted) throw new Error('there is no task');
  const target = { name: 'web-1', labels: {}, pool: 'default', transport: 'local' } as const;
  const order = { runId: runIdOf(taskId, 0), index: 0, target, task: accepted.task };
  await lab.store.abandonRun(order, { state: 'undeliverable' });
  await clock.passUntil('what is told', () => lab.told.length === 2);
  const [occurrence] = await lab.occurrences('job');
  expect(lab.told.map(({ title, at, to }) => [title, at, to])).toEqual([
    ['Schedule job: undeliverable', occurrence?.at, ['ops']],
    ['Schedule job is paused after 1 failures', occurrence?.at, ['ops']],
  ]);
});
