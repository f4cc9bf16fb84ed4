import { expect, test } from 'vitest';
import { createFaultyStore, type Faults, once } from './faulty-store.ts';
import { minute, second, stride, type Travel, taskOf, travel, work } from './travel.ts';

const titles = ({ lab }: Travel): readonly string[] => [
  ...new Map(lab.told.map(({ id, title }) => [id, title])).values(),
];

/** Lets the task of the next instant fail. */
async function fail({ lab, clock }: Travel, index: number): Promise<void> {
  await clock.leapTo(Date.parse(`2027-03-01T00:0${index + 1}:00Z`));
  await clock.passUntil('the next task', () => lab.accepted.length === index + 1);
  expect(await (await work(lab, taskOf(lab, index))).end?.('failed')).toBe('ok');
}

async function open(more: Record<string, unknown> = {}): Promise<Travel> {
  const journey = await travel('2027-03-01T00:00:30Z', { leaseMs: 2 * second });
  await journey.lab.put('job', { when: '* * * * *', pauseAfter: 2, onFailure: {}, ...more });
  return journey;
}

/** Where the leader dies as the second task in a row has failed. */
const deaths = [
  ['before it counts the failure', 'endOccurrence', 'fails'],
  ['when it has counted the failure', 'endOccurrence', 'unanswered'],
  ['before it pauses the schedule', 'pauseSchedule', 'fails'],
  ['when it has paused the schedule', 'pauseSchedule', 'unanswered'],
] as const;

test.each(deaths)(
  'a leader that dies %s leaves a schedule that pauses with this failure, and tells so',
  async (_, call, fault) => {
    const journey = await open();
    const { lab, clock } = journey;
    const faults: Faults = {};
    let isDead = false;
    const whole = createFaultyStore(lab.store, faults);
    const dying = new Proxy(whole, {
      get: (target, key) =>
        isDead && key !== 'stop' ? () => Promise.reject(new Error('dead')) : Reflect.get(target, key),
    });
    const onTell = (): void => {
      if (isDead) throw new Error('dead');
    };
    const first = await lab.scheduler({ store: dying, onTell });
    await fail(journey, 0);
    await clock.passUntil('its end', async () => (await lab.occurrences('job'))[0]?.outcome);
    faults[call] = () => {
      isDead = true;
      return fault;
    };
    await fail(journey, 1);
    await clock.passUntil('the death', () => isDead);
    await clock.passWhile(first.stop());
    await lab.scheduler();
    await clock.passUntil('the end', async () => (await lab.occurrences('job'))[0]?.outcome === 'failed');
    await clock.pass(second);
    expect(await lab.store.getSchedule('acme', 'job')).toMatchObject({ failures: 2, paused: { why: 'failures' } });
    const failed = 'Schedule job: failed';
    expect(titles(journey)).toEqual([failed, failed, 'Schedule job is paused after 2 failures']);
  },
);

test('a pause that could not be told is told again', async () => {
  const journey = await open();
  const { lab, clock } = journey;
  let isTaken = false;
  await lab.scheduler({
    onTell({ title }) {
      if (!title.includes('paused') || isTaken) return;
      isTaken = true;
      throw new Error('the notice could not be stored');
    },
  });
  await fail(journey, 0);
  await fail(journey, 1);
  await clock.passUntil('the end', async () => (await lab.occurrences('job'))[0]?.outcome === 'failed');
  expect(isTaken).toBe(true);
  expect(titles(journey).at(-1)).toBe('Schedule job is paused after 2 failures');
});

test('a failure whose count was not answered is counted once', async () => {
  const journey = await open();
  const { lab, clock } = journey;
  await lab.scheduler({ store: createFaultyStore(lab.store, { endOccurrence: once('unanswered') }) });
  await fail(journey, 0);
  await clock.pass(5 * second);
  expect(await lab.store.getSchedule('acme', 'job')).toMatchObject({ failures: 1 });
  await stride(clock, 10 * second, '2027-03-01T00:02:00Z');
  await clock.passUntil('the next task', () => lab.accepted.length === 2);
  expect((await lab.store.getSchedule('acme', 'job'))?.paused).toBeUndefined();
});

test('two that fail at the same time pause their schedule once', async () => {
  const journey = await open({ overlap: 'allow' });
  const { lab, clock } = journey;
  await lab.scheduler();
  await clock.leapTo(Date.parse('2027-03-01T00:01:00Z'));
  await clock.passUntil('the first task', () => lab.accepted.length === 1);
  await clock.leapTo(Date.parse('2027-03-01T00:02:00Z'));
  await clock.passUntil('the second task', () => lab.accepted.length === 2);
  const runs = await Promise.all([work(lab, taskOf(lab, 0)), work(lab, taskOf(lab, 1))]);
  await Promise.all(runs.map((run) => run.end?.('failed')));
  const ended = async () => (await lab.occurrences('job')).every(({ outcome }) => outcome === 'failed');
  await clock.passUntil('both ends', ended, minute);
  await clock.pass(second);
  expect(await lab.store.getSchedule('acme', 'job')).toMatchObject({ failures: 2, paused: { why: 'failures' } });
  expect(titles(journey).filter((title) => title.includes('paused'))).toHaveLength(1);
});
