import type { Bus } from '@moltbot/bus';
import { silentLogger } from '@moltbot/shared';
import { createLeadership } from '@moltbot/store';
import { expect, onTestFinished, test } from 'vitest';
import { occurrenceToTask, principalOf } from '../src/occurrence-to-task.ts';
import { createFaultyStore, type Faults, once } from './faulty-store.ts';
import type { Lab } from './lab.ts';
import { type Refusal, refusing } from './refusing-bus.ts';
import { minute, second, taskOf, travel, work } from './travel.ts';

const one = Date.UTC(2027, 2, 1, 0, 1);
const two = one + minute;
const place = { tenant: 'acme', scheduleId: 'job' } as const;

const isOfLeader = ({ cursor }: { readonly cursor?: number | undefined }): boolean => cursor !== undefined;

test('a decision whose answer was lost is carried out by the one that made it', async () => {
  const { lab, clock, records } = await travel('2027-03-01T00:00:30Z');
  await lab.put('job', { when: '* * * * *', overlap: 'queue', end: '2027-03-01T00:02:30Z' });
  const answered = new Set<number | undefined>();
  const faults: Faults = {
    decideOccurrences({ cursor }) {
      if (answered.has(cursor)) return undefined;
      answered.add(cursor);
      return 'unanswered';
    },
  };
  await lab.scheduler({ store: createFaultyStore(lab.store, faults) });
  await clock.leapTo(one);
  await clock.passUntil('the firing of what was recorded', () => lab.accepted.length === 1, 5 * second);
  await clock.leapTo(two);
  await clock.pass(2 * second);
  expect(await records('job')).toEqual(['2027-03-01T00:01Z fired', '2027-03-01T00:02Z waiting']);
  expect(await (await work(lab, taskOf(lab, 0))).end?.('succeeded')).toBe('ok');
  await clock.passUntil('the firing of what waited', () => lab.accepted.length === 2, 5 * second);
  expect(await records('job')).toEqual(['2027-03-01T00:01Z fired', '2027-03-01T00:02Z fired']);
  expect(answered).toEqual(new Set([one, two]));
});

test('what was missed by a decision whose answer was lost is told', async () => {
  const { lab, clock, records } = await travel('2027-03-01T00:00:30Z');
  await lab.put('job', { when: 'at 2027-03-01T00:01:00Z', misfire: 'skip', onFailure: {} });
  const faults: Faults = { decideOccurrences: once('unanswered', isOfLeader) };
  await clock.leapTo(two);
  await lab.scheduler({ store: createFaultyStore(lab.store, faults) });
  await clock.passUntil('the notice', () => lab.told.length > 0, 5 * second);
  expect(await records('job')).toEqual(['2027-03-01T00:01Z missed misfire']);
  expect(lab.told.map(({ title }) => title)).toEqual(['Schedule job missed an occurrence']);
});

test('a notice that fails holds up neither what is to be fired nor the other notices of a decision', async () => {
  const { lab, clock, records } = await travel('2027-03-01T00:00:30Z');
  await lab.put('job', { when: '* * * * *', misfire: 'skip', misfireWindow: '90s', onFailure: {} });
  await clock.leapTo(one + 3 * minute);
  const refused: number[] = [];
  await lab.scheduler({
    onTell({ at }) {
      if (at !== one) return;
      refused.push(at);
      throw new Error('the notice could not be stored');
    },
  });
  await clock.pass(2 * second);
  expect(refused).toEqual([one]);
  expect(await records('job')).toEqual([
    ...['2027-03-01T00:01Z missed window', '2027-03-01T00:02Z missed window'],
    ...['2027-03-01T00:03Z missed misfire', '2027-03-01T00:04Z fired'],
  ]);
  expect(lab.told.map(({ at }) => at)).toEqual([two, two + minute]);
  expect(lab.accepted).toHaveLength(1);
});

/** The store has answered a decision and lost it, and what is to be recorded again meets a change of the schedule at first. */
const losing = (): Faults => {
  const lost = once({ answer: { kind: 'ok', taken: [true] } }, isOfLeader);
  const stale = once({ answer: { kind: 'stale' } }, ({ epoch }: { readonly epoch: number }) => epoch === 0);
  return {
    decideOccurrences: (decision) => (isOfLeader(decision) ? lost(decision) : stale(decision)),
  };
};

test('what was fired and whose record the store has lost is recorded again, and its end is noted', async () => {
  const { lab, clock, records } = await travel('2027-03-01T00:00:30Z');
  await lab.put('job', { when: 'at 2027-03-01T00:01:00Z' });
  await lab.scheduler({ store: createFaultyStore(lab.store, losing()) });
  await clock.leapTo(one);
  await clock.pass(5 * second);
  expect(await records('job')).toEqual(['2027-03-01T00:01Z fired']);
  expect(await (await work(lab, taskOf(lab, 0))).end?.('succeeded')).toBe('ok');
  await clock.passUntil('its end', async () => (await lab.occurrences('job'))[0]?.outcome === 'succeeded', minute);
  expect(lab.accepted).toHaveLength(1);
});

test('what is given up and whose record the store has lost is recorded as missed, and told', async () => {
  const busOver = (bus: Bus): Bus => refusing(bus, () => 'blocked');
  const { lab, clock, records } = await travel('2027-03-01T00:00:30Z', { busOver });
  await lab.put('job', { when: 'at 2027-03-01T00:01:00Z', deadline: '1m', onFailure: {} });
  await lab.scheduler({ store: createFaultyStore(lab.store, losing()) });
  await clock.leapTo(one);
  await clock.pass(second);
  await clock.leapTo(two + second);
  await clock.passUntil('the notice', () => lab.told.length > 0, 15 * second);
  expect(await records('job')).toEqual([expect.stringContaining('2027-03-01T00:01Z missed deadline')]);
});

test('what waits and whose record the store has lost is recorded again, and fired', async () => {
  const { lab, clock, records } = await travel('2027-03-01T00:00:30Z');
  await lab.put('job', { when: '* * * * *', overlap: 'queue', end: '2027-03-01T00:02:30Z' });
  const faults: Faults = {};
  await lab.scheduler({ store: createFaultyStore(lab.store, faults) });
  await clock.leapTo(one);
  await clock.passUntil('the first task', () => lab.accepted.length === 1);
  Object.assign(faults, losing());
  await clock.leapTo(two);
  await clock.pass(second);
  expect(await records('job')).toEqual(['2027-03-01T00:01Z fired']);
  expect(await (await work(lab, taskOf(lab, 0))).end?.('succeeded')).toBe('ok');
  await clock.passUntil('the second task', () => lab.accepted.length === 2, 10 * second);
  await clock.pass(second);
  expect(await records('job')).toEqual(['2027-03-01T00:01Z fired', '2027-03-01T00:02Z fired']);
});

/** The leader dies when the door has taken a task and it is not noted; then its schedule is deleted. */
async function deleteWhileFiring() {
  const journey = await travel('2027-03-01T00:00:30Z');
  const { lab, clock, records } = journey;
  await lab.put('job', { when: 'at 2027-03-01T00:01:00Z' });
  const faults: Faults = { moveOccurrence: ({ to }) => (to.state === 'fired' ? 'fails' : undefined) };
  const first = await lab.scheduler({ store: createFaultyStore(lab.store, faults) });
  await clock.leapTo(one);
  await clock.passUntil('the task', () => lab.accepted.length === 1);
  await clock.passWhile(first.stop());
  expect(await lab.store.dropSchedule('acme', 'job', 'api')).toBe('ok');
  expect(await records('job')).toEqual(['2027-03-01T00:01Z firing']);
  return journey;
}

test('the next leader finds the task of an occurrence by its key: one that ran is not called missed', async () => {
  const { lab, clock } = await deleteWhileFiring();
  expect(await (await work(lab, taskOf(lab, 0))).end?.('succeeded')).toBe('ok');
  await lab.scheduler();
  await clock.passUntil('its end', async () => (await lab.occurrences('job'))[0]?.outcome, minute);
  expect(await lab.occurrences('job')).toMatchObject([
    { state: 'fired', outcome: 'succeeded', taskId: taskOf(lab, 0) },
  ]);
});

test('the next leader finds the task of an occurrence by its key: one that has not run is cancelled, and missed', async () => {
  const { lab, clock } = await deleteWhileFiring();
  await lab.scheduler();
  await clock.passUntil('its end', async () => (await lab.occurrences('job'))[0]?.state !== 'firing', minute);
  expect(await lab.occurrences('job')).toMatchObject([{ state: 'missed', reason: 'refused' }]);
  expect(await lab.store.getTask('acme', taskOf(lab, 0))).toMatchObject({ state: 'cancelled' });
});

/** One runs, and one waits for it in the memory of the leader, while another leader has asked for its task in the store. */
async function overtake(notes: 'firing' | 'fired') {
  const journey = await travel('2027-03-01T00:00:30Z');
  const { lab, clock } = journey;
  await lab.put('job', { when: '* * * * *', overlap: 'queue', deadline: '5m', end: '2027-03-01T00:02:30Z' });
  await lab.scheduler();
  await clock.leapTo(one);
  await clock.passUntil('the first task', () => lab.accepted.length === 1);
  await clock.leapTo(two);
  await clock.pass(second);
  const first = await work(lab, taskOf(lab, 0));
  expect(await lab.store.moveOccurrence({ ...place, at: two, to: { state: 'firing' } })).toBe('ok');
  const taskId = await askFor(lab, two);
  const fired = { ...place, at: two, to: { state: 'fired', taskId }, follow: true } as const;
  if (notes === 'fired') expect(await lab.store.moveOccurrence(fired)).toBe('ok');
  return { ...journey, first, taskId, second: await work(lab, taskId) };
}

async function askFor({ door, store }: Lab, at: number): Promise<string> {
  const record = await store.getSchedule('acme', 'job');
  if (!record) throw new Error('there is no schedule');
  const fired = await occurrenceToTask({ intake: door, store }, record, { at, kind: 'planned' });
  if (fired.kind !== 'fired') throw fired.error;
  return fired.taskId;
}

const outcomeOf = async (lab: Lab, at: number) => (await lab.store.getOccurrence('acme', 'job', at))?.outcome;

test('what another leader has fired meanwhile is looked after to its end when it is to be begun', async () => {
  const { lab, clock, first, second: run, taskId } = await overtake('fired');
  await first.end?.('succeeded');
  await clock.pass(2 * second);
  await run.end?.('succeeded');
  await clock.passUntil('its end', async () => (await outcomeOf(lab, two)) === 'succeeded', minute);
  expect(await lab.store.getOccurrence('acme', 'job', two)).toMatchObject({ state: 'fired', taskId });
  expect(lab.accepted).toHaveLength(2);
});

test('what another leader has fired meanwhile is looked after to its end when it is to be given up', async () => {
  const { lab, clock, second: run } = await overtake('fired');
  await lab.store.pauseSchedule('acme', 'job', { why: 'operator', by: 'key:1' });
  await clock.pass(2 * second);
  await run.end?.('succeeded');
  await clock.passUntil('its end', async () => (await outcomeOf(lab, two)) === 'succeeded', minute);
});

test('what another leader has begun meanwhile is not called missed by one that saw it wait', async () => {
  const { lab, clock, taskId } = await overtake('firing');
  await clock.leapTo(two + 6 * minute);
  await clock.pass(2 * second);
  expect(await lab.store.getOccurrence('acme', 'job', two)).toMatchObject({ state: 'fired', taskId });
});

test('a fill-in of an occurrence whose task was cancelled before it started is run anew, once', async () => {
  let refusal: Refusal | 'blocked' = 'nacked';
  const busOver = (bus: Bus): Bus => refusing(bus, () => refusal);
  const { lab, clock, records } = await travel('2027-03-01T00:00:30Z', { busOver });
  await lab.put('job', { when: 'at 2027-03-01T00:01:00Z', deadline: '1m' });
  await lab.scheduler();
  await clock.leapTo(one);
  await clock.pass(second);
  await clock.leapTo(two + second);
  await clock.passUntil('the end', async () => (await records('job'))[0]?.includes('missed'), 15 * second);
  const key = 'job@2027-03-01T00:01:00.000Z';
  const cancelled = await lab.door.find(principalOf({ tenant: 'acme', id: 'job' }), key);
  expect(await lab.store.getTask('acme', cancelled ?? '')).toMatchObject({ state: 'cancelled' });
  refusal = undefined;
  expect(await lab.store.reopenOccurrence('acme', 'job', one)).toBe('ok');
  await clock.passUntil('the fill-in', async () => (await records('job'))[0]?.includes('fired'), 5 * second);
  const [occurrence] = await lab.occurrences('job');
  expect(lab.accepted.at(-1)).toBe(`${key}~2 ${occurrence?.taskId}`);
  expect(occurrence?.taskId).not.toBe(cancelled);
  expect(await (await work(lab, occurrence?.taskId ?? '')).end?.('succeeded')).toBe('ok');
  await clock.passUntil('its end', async () => (await outcomeOf(lab, one)) === 'succeeded', minute);
});

test('a leader whose work breaks off lets another lead', async () => {
  const { lab, clock, records } = await travel('2027-03-01T00:00:30Z');
  await lab.put('job', { when: 'at 2027-03-01T00:01:00Z' });
  let isBroken = false;
  const now = (): number => {
    if (isBroken) throw new Error('a defect');
    return clock.now();
  };
  await lab.scheduler({ clock: { ...clock, now } });
  await clock.pass(second);
  isBroken = true;
  await lab.scheduler();
  await clock.leapTo(one);
  await clock.pass(5 * second);
  expect(await records('job')).toEqual(['2027-03-01T00:01Z fired']);
});

test.each([
  ['ends', async () => {}],
  ['breaks off', () => Promise.reject(new Error('a defect'))],
])('a lease is let go when the work under it %s, and taken again when another had the time to', async (_, lead) => {
  const { lab, clock } = await travel('2027-03-01T00:00:00Z');
  const leaseMs = minute;
  const terms: number[] = [];
  const leadership = createLeadership({
    ...{ name: 'test', store: lab.store, clock, log: silentLogger, leaseMs },
    lead(term) {
      terms.push(clock.now());
      return term.isOver() ? Promise.resolve() : lead();
    },
  });
  await leadership.start();
  onTestFinished(() => clock.passWhile(leadership.stop()));
  await clock.pass(second);
  expect(leadership.isLeading()).toBe(false);
  expect(await lab.store.acquireLease('test', 'another', 10 * second)).toMatchObject({ held: true });
  await clock.pass(leaseMs + second);
  expect(terms).toHaveLength(2);
});
