import type { Bus } from '@moltbot/bus';
import { expect, test } from 'vitest';
import { createFaultyStore, type Faults, once } from './faulty-store.ts';
import { type Refusal, refusing } from './refusing-bus.ts';
import { minute, second, taskOf, travel } from './travel.ts';

const one = Date.UTC(2027, 2, 1, 0, 1);
const two = one + minute;

const isPutBack = ({ cursor }: { readonly cursor?: number | undefined }): boolean => cursor === undefined;

test('a put-back that breaks off after the schedules goes on with what was open', async () => {
  const { lab, clock, records, empty } = await travel('2027-03-01T00:00:30Z');
  const ids = ['a', 'b', 'c'] as const;
  for (const id of ids) await lab.put(id, { when: '* * * * *', overlap: 'allow' });
  const faults: Faults = {};
  await lab.scheduler({ store: createFaultyStore(lab.store, faults) });
  await clock.leapTo(one);
  await clock.passUntil('the first tasks', () => lab.accepted.length === 3);
  await clock.leapTo(two);
  await clock.passUntil('the second tasks', () => lab.accepted.length === 6);
  await clock.pass(second);
  const before = await Promise.all(ids.map(records));
  expect(before[0]).toEqual(['2027-03-01T00:01Z fired', '2027-03-01T00:02Z fired']);
  const tried: string[] = [];
  faults.decideOccurrences = ({ scheduleId }) => {
    tried.push(scheduleId);
    return tried.length === 2 ? 'fails' : undefined;
  };
  await empty();
  await clock.pass(5 * second);
  expect(tried).toHaveLength(4);
  expect(await Promise.all(ids.map(records))).toEqual(before);
});

test('a former leader puts back what was open although a later one has decided since', async () => {
  const { lab, clock, records, empty } = await travel('2027-03-01T00:00:30Z', { leaseMs: 2 * second });
  await lab.put('job', { when: '* * * * *', overlap: 'allow' });
  const faults: Faults = {};
  await lab.scheduler({ store: createFaultyStore(lab.store, faults) });
  await clock.leapTo(one);
  await clock.passUntil('the first task', () => lab.accepted.length === 1);
  await clock.pass(second);
  faults.acquireLease = () => 'fails';
  faults.decideOccurrences = (decision) => (isPutBack(decision) ? 'fails' : undefined);
  await lab.scheduler();
  await empty();
  await clock.passUntil('the schedule', () => lab.store.getSchedule('acme', 'job'), 10 * second);
  await clock.passUntil('the next occurrence', () => lab.accepted.length === 2, 2 * minute);
  await clock.pass(second);
  expect(await records('job')).toEqual(['2027-03-01T00:02Z fired']);
  faults.decideOccurrences = () => undefined;
  await clock.pass(5 * second);
  expect(await records('job')).toEqual(['2027-03-01T00:01Z fired', '2027-03-01T00:02Z fired']);
  expect((await lab.store.getOccurrence('acme', 'job', one))?.taskId).toBe(taskOf(lab, 0));
  expect(lab.accepted).toHaveLength(2);
});

test.each([
  ['fired', undefined],
  ['missed', 'blocked'],
] as const)('what is %s while an emptied store has no schedule yet is recorded when it has', async (state, then) => {
  let refusal: Refusal | 'blocked' = 'blocked';
  const busOver = (bus: Bus): Bus => refusing(bus, () => refusal);
  const { lab, clock, records, empty } = await travel('2027-03-01T00:00:30Z', { busOver });
  await lab.put('job', { when: 'at 2027-03-01T00:01:00Z', deadline: '1m' });
  const faults: Faults = {};
  await lab.scheduler({ store: createFaultyStore(lab.store, faults) });
  await clock.leapTo(one);
  await clock.pass(second);
  expect(await records('job')).toEqual(['2027-03-01T00:01Z firing']);
  faults.restoreSchedules = () => 'fails';
  // What is put back with the schedule must not hide what is recorded by itself.
  faults.decideOccurrences = once({ answer: { kind: 'ok', taken: [false] } });
  await empty();
  refusal = then;
  if (state === 'missed') await clock.leapTo(two + second);
  await clock.pass(15 * second);
  expect(await records('job')).toEqual([]);
  faults.restoreSchedules = () => undefined;
  await clock.passUntil('the record', async () => (await records('job')).length > 0, 30 * second);
  await clock.pass(second);
  expect(await records('job')).toEqual([expect.stringContaining(`2027-03-01T00:01Z ${state}`)]);
  expect(lab.accepted).toHaveLength(state === 'fired' ? 1 : 0);
});
