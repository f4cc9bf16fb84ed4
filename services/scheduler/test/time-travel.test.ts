import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bus } from '@moltbot/bus';
import { planKey } from '@moltbot/schedules';
import type { ScheduleSpec, Service, TaskState } from '@moltbot/shared';
import type { Store } from '@moltbot/store';
import { expect, onTestFinished, test } from 'vitest';
import { specOf } from './lab.ts';
import { type Refusal, refusing } from './refusing-bus.ts';
import { as, day, every, hour, minute, second, stride, type Travel, taskOf, travel, work } from './travel.ts';
import type { TravellingClock } from './travelling-clock.ts';

test('a leap day comes twice in eight years, and leaves no record in the others', async () => {
  const { lab, clock, records } = await travel('2027-06-01T16:00:00Z');
  await lab.put('leap', { when: '0 0 29 2 *', timezone: 'Asia/Shanghai' });
  await lab.put('month', { when: '0 0 1 * *', timezone: 'Asia/Shanghai' });
  await lab.scheduler();
  const [first, second] = ['2028-02-28T16:00Z fired', '2032-02-28T16:00Z fired'];
  for (const [ms, to, expected] of [
    [7 * day, '2028-02-27T16:00:00Z', []],
    [day, '2028-02-28T16:00:00Z', [first]],
    [day, '2029-02-28T16:00:00Z', [first]],
    [7 * day, '2032-02-27T16:00:00Z', [first]],
    [day, '2032-02-28T16:00:00Z', [first, second]],
    [7 * day, '2035-06-01T16:00:00Z', [first, second]],
  ] as const) {
    await stride(clock, ms, to);
    expect(await records('leap')).toEqual(expected);
  }
  // Time has passed meanwhile: every month came.
  expect(await records('month')).toHaveLength(96);
  expect(lab.accepted.filter((line) => line.startsWith('leap@')).map((line) => line.split(' ')[0])).toEqual([
    ...['leap@2028-02-28T16:00:00.000Z', 'leap@2032-02-28T16:00:00.000Z'],
  ]);
});

const absences = ['stopped', 'suspended, monotonic goes on', 'suspended, monotonic stands'] as const;

/** For 3 hours nobody is there to fire; then somebody is again. */
async function beAway({ lab, clock }: Travel, scheduler: Service, absence: (typeof absences)[number]): Promise<void> {
  const isStopped = absence === 'stopped';
  if (isStopped) await clock.passWhile(scheduler.stop());
  await clock.suspend(3 * hour, absence === 'suspended, monotonic goes on' ? 'goes-on' : 'stands');
  if (isStopped) await lab.scheduler();
  await clock.pass(5 * second);
}

test.each(absences)('misfires after 3 hours in which it is %s: one end for each instant', async (absence) => {
  const journey = await travel('2027-03-01T00:09:55Z', { leaseMs: 2 * second });
  const { lab, clock, records } = journey;
  const misfires = ['skip', 'run-once', 'run-all'] as const;
  for (const misfire of misfires) await lab.put(misfire, { when: '*/10 * * * *', misfire, overlap: 'allow' });
  const scheduler = await lab.scheduler();
  await clock.pass(30 * second);
  await beAway(journey, scheduler, absence);
  await clock.leapTo(Date.parse('2027-03-01T03:19:50Z'));
  await clock.pass(15 * second);

  const ten = (from: string, to: string) => every(10 * minute, `2027-03-01T${from}:00Z`, `2027-03-01T${to}:00Z`);
  const beyond = as('missed window', ten('00:20', '02:10'));
  const within: Record<(typeof misfires)[number], readonly string[]> = {
    skip: as('missed misfire', ten('02:20', '03:10')),
    'run-once': [...as('skipped misfire', ten('02:20', '03:00')), ...as('fired', ten('03:10', '03:10'))],
    'run-all': as('fired', ten('02:20', '03:10')),
  };
  for (const misfire of misfires) {
    expect(await records(misfire)).toEqual([
      ...as('fired', ten('00:10', '00:10')),
      ...[...beyond, ...within[misfire]],
      ...as('fired', ten('03:20', '03:20')),
    ]);
    const tasks = lab.accepted.filter((line) => line.startsWith(`${misfire}@`));
    expect(tasks).toHaveLength((await records(misfire)).filter((record) => record.endsWith('fired')).length);
  }
});

test('a short absence is no misfire', async () => {
  const { lab, clock, records } = await travel('2027-03-01T00:09:55Z', { leaseMs: 2 * second });
  await lab.put('job', { when: '*/10 * * * *', misfire: 'skip' });
  const scheduler = await lab.scheduler();
  await clock.pass(second);
  await clock.passWhile(scheduler.stop());
  await clock.suspend(15 * second, 'goes-on');
  await lab.scheduler();
  await clock.pass(2 * second);
  expect(await records('job')).toEqual(['2027-03-01T00:10Z fired']);
});

test.each([
  ['allow', ['00:01 fired 00:01:00', '00:02 fired 00:02:00', '00:03 fired 00:03:00', '00:04 fired 00:04:00']],
  ['skip', ['00:01 fired 00:01:00', '00:02 skipped overlap', '00:03 skipped overlap', '00:04 fired 00:04:00']],
  ['queue', ['00:01 fired 00:01:00', '00:02 fired 00:03:30', '00:03 waiting', '00:04 waiting']],
  ['cancel-previous', ['00:01 fired 00:01:00', '00:02 skipped superseded', '00:03 fired 00:03:30', '00:04 waiting']],
])('overlap %s with a task that runs through two more instants', async (overlap, expected) => {
  const { lab, clock } = await travel('2027-03-01T00:00:30Z');
  await lab.put('job', { when: '* * * * *', overlap });
  await lab.scheduler();
  await clock.passUntil('the first task', () => lab.accepted.length === 1);
  const first = await work(lab, taskOf(lab, 0));
  await clock.leapTo(Date.parse('2027-03-01T00:01:59Z'));
  expect(await first.isToStop?.()).toBe(false);
  await clock.pass(2 * second);
  expect(await first.isToStop?.()).toBe(overlap === 'cancel-previous');
  await clock.leapTo(Date.parse('2027-03-01T00:02:59.500Z'));
  await clock.pass(second);
  await clock.leapTo(Date.parse('2027-03-01T00:03:30Z'));
  expect(await first.end?.(overlap === 'cancel-previous' ? 'cancelled' : 'succeeded')).toBe('ok');
  await clock.pass(2 * second);
  // Under `queue` and `cancel-previous` the next one runs by now, and into the next instant.
  await clock.leapTo(Date.parse('2027-03-01T00:03:59.500Z'));
  if (overlap === 'skip') expect(lab.accepted).toHaveLength(1);
  await clock.pass(second);
  const records = (await lab.occurrences('job')).toReversed().map(({ at, state, reason, firedAt }) => {
    const fired = firedAt === undefined ? '' : ` ${new Date(firedAt).toISOString().slice(11, 19)}`;
    return `${new Date(at).toISOString().slice(11, 16)} ${state}${reason ? ` ${reason}` : ''}${fired}`;
  });
  expect(records).toEqual(expected);
});

test('what waits is fired one after the other, each when the one before it has ended', async () => {
  const { lab, clock, records } = await travel('2027-03-01T00:00:30Z');
  await lab.put('job', { when: '* * * * *', overlap: 'queue', end: '2027-03-01T00:04:00Z' });
  await lab.scheduler();
  for (const [index, endsAt] of ['00:03:30', '00:05:00', '00:06:00'].entries()) {
    await clock.passUntil('the next task', () => lab.accepted.length === index + 1);
    const run = await work(lab, taskOf(lab, index));
    await stride(clock, 30 * second, `2027-03-01T${endsAt}Z`);
    expect(lab.accepted).toHaveLength(index + 1);
    expect(await run.end?.('succeeded')).toBe('ok');
  }
  await clock.pass(2 * second);
  const three = every(minute, '2027-03-01T00:01:00Z', '2027-03-01T00:03:00Z');
  expect(await records('job')).toEqual(as('fired', three));
  expect(new Set(lab.accepted).size).toBe(3);
});

test('calendars decide about days of the schedule’s zone', async () => {
  const ics = [
    ...['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//x//y//EN', 'BEGIN:VEVENT', 'UID:1', 'DTSTAMP:20261201T000000Z'],
    ...[
      'DTSTART;VALUE=DATE:20261229',
      'DTEND;VALUE=DATE:20261231',
      'SUMMARY:freeze',
      'END:VEVENT',
      'END:VCALENDAR',
      '',
    ],
  ].join('\r\n');
  const directory = await mkdtemp(join(tmpdir(), 'moltbot-calendar-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  await writeFile(join(directory, 'freeze.ics'), ics);
  const { lab, clock, records } = await travel('2026-12-12T23:30:00Z', {
    calendars: {
      workdays: { days: ['mon', 'tue', 'wed', 'thu', 'fri'] },
      holidays: { days: ['12-25', '2027-01-01'] },
      freeze: { days: [], ics: join(directory, 'freeze.ics') },
    },
  });
  const calendars = { include: ['workdays'], exclude: ['holidays', 'freeze'] };
  // Half past midnight there is still the day before in UTC.
  await lab.put('job', { when: '30 0 * * *', timezone: 'Europe/Berlin', calendars, overlap: 'allow' });
  await lab.put('all', { when: '30 0 * * *', timezone: 'Europe/Berlin', overlap: 'allow' });
  await lab.scheduler();
  await stride(clock, day, '2027-01-03T23:30:00Z');
  const ends: Record<string, string> = {
    ...Object.fromEntries(['12-19', '12-20', '12-26', '12-27', '01-02', '01-03'].map((date) => [date, 'workdays'])),
    ...{ '12-25': 'holidays', '01-01': 'holidays', '12-29': 'freeze', '12-30': 'freeze' },
  };
  const instants = every(day, '2026-12-13T23:30:00Z', '2027-01-03T23:30:00Z');
  const expected = instants.map((at) => {
    const why = ends[new Date(Date.parse(at) + hour).toISOString().slice(5, 10)];
    if (!why) return `${at} fired`;
    return `${at} skipped calendar (${why === 'workdays' ? 'not in workdays' : why})`;
  });
  expect(expected.filter((record) => record.endsWith('fired'))).toHaveLength(12);
  expect(await records('job')).toEqual(expected);
  expect(await records('all')).toEqual(as('fired', instants));
});

const dst = ['run-once', 'skip', 'shift', 'run-both'] as const;

test('half past two when clocks are put forward, under each policy', async () => {
  const { lab, clock, records } = await travel('2027-03-26T12:00:00Z');
  for (const policy of dst) await lab.put(policy, { when: '30 2 * * *', timezone: 'Europe/Berlin', dst: policy });
  await lab.scheduler();
  await stride(clock, 30 * minute, '2027-03-29T12:00:00Z');
  const thatDay: Record<(typeof dst)[number], string> = {
    'run-once': '2027-03-28T01:00Z fired',
    skip: '2027-03-28T01:00Z skipped dst-gap',
    shift: '2027-03-28T01:30Z fired',
    'run-both': '2027-03-28T01:00Z fired',
  };
  for (const policy of dst)
    expect(await records(policy)).toEqual(['2027-03-27T01:30Z fired', thatDay[policy], '2027-03-29T00:30Z fired']);
});

test('half past two when clocks are put back, under each policy', async () => {
  const { lab, clock, records } = await travel('2027-10-29T12:00:00Z');
  for (const policy of dst)
    await lab.put(policy, { when: '30 2 * * *', timezone: 'Europe/Berlin', dst: policy, overlap: 'allow' });
  await lab.scheduler();
  await stride(clock, 30 * minute, '2027-11-01T12:00:00Z');
  for (const policy of dst)
    expect(await records(policy)).toEqual([
      ...['2027-10-30T00:30Z fired', '2027-10-31T00:30Z fired'],
      `2027-10-31T01:30Z ${policy === 'run-both' ? 'fired' : 'skipped dst-fold'}`,
      '2027-11-01T01:30Z fired',
    ]);
});

test('a wall clock that is set back an hour fires nothing twice, and leaves no instant out', async () => {
  const { lab, clock, records } = await travel('2027-03-01T00:05:00Z');
  await lab.put('job', { when: '*/10 * * * *', overlap: 'allow' });
  await lab.scheduler();
  await stride(clock, 5 * minute, '2027-03-01T02:05:00Z');
  const before = every(10 * minute, '2027-03-01T00:10:00Z', '2027-03-01T02:00:00Z');
  expect(await records('job')).toEqual(as('fired', before));
  await clock.setBy(-hour);
  await stride(clock, 5 * minute, '2027-03-01T02:05:00Z');
  expect(await records('job')).toEqual(as('fired', before));
  await stride(clock, 5 * minute, '2027-03-01T03:05:00Z');
  const all = every(10 * minute, '2027-03-01T00:10:00Z', '2027-03-01T03:00:00Z');
  expect(await records('job')).toEqual(as('fired', all));
  expect(lab.accepted).toHaveLength(all.length);
});

test('a wall clock that is set forward a day is a misfire; set right again, the day is not run once more', async () => {
  const { lab, clock, records } = await travel('2027-03-01T00:05:00Z');
  await lab.put('job', { when: '*/10 * * * *', overlap: 'allow' });
  await lab.scheduler();
  await stride(clock, 5 * minute, '2027-03-01T01:05:00Z');
  await clock.setBy(day);
  await clock.pass(5 * second);
  const ten = (from: string, to: string) => every(10 * minute, `2027-03-${from}:00Z`, `2027-03-${to}:00Z`);
  const known = [
    ...as('fired', ten('01T00:10', '01T01:00')),
    '2027-03-01T01:10Z missed window ×138 until 2027-03-02T00:00Z',
    ...as('skipped misfire', ten('02T00:10', '02T00:50')),
    ...as('fired', ten('02T01:00', '02T01:00')),
  ];
  expect(await records('job')).toEqual(known);
  await clock.setBy(-day);
  await stride(clock, 10 * minute, '2027-03-02T01:05:00Z');
  expect(await records('job')).toEqual(known);
  await stride(clock, 5 * minute, '2027-03-02T01:30:00Z');
  expect(await records('job')).toEqual([...known, ...as('fired', ten('02T01:10', '02T01:30'))]);
  expect(new Set(lab.accepted.map((line) => line.split(' ')[0])).size).toBe(lab.accepted.length);
});

test('what waits or is tried again does not wait for a wall clock that was set back', async () => {
  let refusal: Refusal | 'blocked';
  const busOver = (bus: Bus): Bus => refusing(bus, () => refusal);
  const { lab, clock, records } = await travel('2027-03-01T00:00:30Z', { busOver });
  await lab.put('queued', { when: '* * * * *', overlap: 'queue', end: '2027-03-01T00:03:00Z' });
  await lab.put('refused', { when: 'at 2027-03-01T02:00:00Z' });
  await lab.scheduler();
  await stride(clock, 30 * second, '2027-03-01T00:01:30Z');
  const first = await work(lab, taskOf(lab, 0));
  refusal = 'blocked';
  await stride(clock, 30 * second, '2027-03-01T02:00:30Z');
  expect(await records('refused')).toEqual(['2027-03-01T02:00Z firing']);
  expect(await records('queued')).toEqual(['2027-03-01T00:01Z fired', '2027-03-01T00:02Z waiting']);
  await clock.setBy(-hour);
  refusal = undefined;
  expect(await first.end?.('succeeded')).toBe('ok');
  await clock.passUntil('both fire', () => lab.accepted.length === 3, 15 * second);
  expect(await records('refused')).toEqual(['2027-03-01T02:00Z fired']);
  expect(await records('queued')).toEqual(['2027-03-01T00:01Z fired', '2027-03-01T00:02Z fired']);
});

/** For tries that are seconds apart. */
const wait = (clock: TravellingClock, ms: number): Promise<void> =>
  stride(clock, 5 * second, new Date(clock.now() + ms).toISOString());

/** What the door records of occurrences that the bus does not take until it is too late. */
async function refuse(refusals: readonly [first: Refusal, then: Refusal | 'blocked']) {
  let refusal: Refusal | 'blocked' = refusals[0];
  const busOver = (bus: Bus): Bus => refusing(bus, () => refusal);
  const journey = await travel('2027-03-01T00:59:30Z', { busOver });
  const { lab, clock } = journey;
  const statesWhenMissed: (TaskState | undefined)[] = [];
  const store: Store = {
    ...lab.store,
    async moveOccurrence(move) {
      if (move.to.state === 'missed') statesWhenMissed.push((await recorded())?.state);
      return lab.store.moveOccurrence(move);
    },
  };
  const recorded = async () => (await lab.store.listTasks('acme', { limit: 1 })).tasks[0];
  await lab.put('job', { when: 'at 2027-03-01T01:00:00Z', deadline: '5m', onFailure: {} });
  const scheduler = await lab.scheduler({ store });
  await wait(clock, minute);
  refusal = refusals[1];
  const taskId = (await recorded())?.task.id ?? '';
  return {
    ...{ ...journey, taskId, statesWhenMissed },
    takeAgain(): void {
      refusal = undefined;
    },
    async takeOver(): Promise<void> {
      await clock.passWhile(scheduler.stop());
      await lab.scheduler({ store });
    },
  };
}

test.each([
  ['nacked', 'nacked'],
  ['unknown', 'unknown'],
  ['nacked', 'blocked'],
] as const)(
  'what the bus does not take in time (%s, then %s) is cancelled before it is missed, and runs never',
  async (...refusals) => {
    const { lab, clock, records, taskId, statesWhenMissed, takeAgain } = await refuse(refusals);
    await wait(clock, 4 * minute);
    expect(await records('job')).toEqual(['2027-03-01T01:00Z firing']);
    expect(await lab.store.getTask('acme', taskId)).toMatchObject({ state: 'queued' });
    await wait(clock, minute);
    expect(await records('job')).toEqual([expect.stringMatching(/^2027-03-01T01:00Z missed deadline \(MOLT_BUS_/)]);
    expect(statesWhenMissed).toEqual(['cancelled']);
    expect(lab.told.map(({ title }) => title)).toEqual(['Schedule job missed an occurrence']);
    takeAgain();
    await wait(clock, 2 * minute);
    expect(await work(lab, taskId)).toEqual({ verdict: 'final' });
    expect(await records('job')).toEqual([expect.stringContaining('missed deadline')]);
    expect(lab.accepted).toEqual([]);
  },
);

test('another leader that meets a bus that is down cancels what the one before it had recorded', async () => {
  const { lab, clock, records, taskId, statesWhenMissed, takeAgain, takeOver } = await refuse(['nacked', 'blocked']);
  await takeOver();
  await wait(clock, 6 * minute);
  expect(await records('job')).toEqual([expect.stringContaining('2027-03-01T01:00Z missed deadline (')]);
  expect(statesWhenMissed).toEqual(['cancelled']);
  takeAgain();
  await wait(clock, 2 * minute);
  expect(await work(lab, taskId)).toEqual({ verdict: 'final' });
});

test('what ran although the bus did not confirm it is not called missed', async () => {
  const { lab, clock, records, taskId, statesWhenMissed, takeAgain } = await refuse(['unknown', 'blocked']);
  await (await work(lab, taskId)).end?.('succeeded');
  await wait(clock, 10 * minute);
  takeAgain();
  await wait(clock, minute);
  expect(await records('job')).toEqual(['2027-03-01T01:00Z fired']);
  expect(await lab.store.getTask('acme', taskId)).toMatchObject({ state: 'succeeded' });
  expect(statesWhenMissed).toEqual([]);
});

test('what cannot be understood stops no other, whatever its place, and fires when it is mended', async () => {
  const { lab, clock, records } = await travel('2027-03-01T00:00:59Z');
  const bad: Record<string, Partial<ScheduleSpec>> = {
    calendar: { calendars: { include: ['gone'], exclude: [] } },
    when: { when: '61 * * * *' },
    zone: { timezone: 'Mars/Olympus' },
    // Its instants come, and cannot be decided.
    window: { misfireWindow: 'soon' },
  };
  for (const [id, more] of Object.entries(bad)) {
    const spec = { ...specOf({ when: '* * * * *', overlap: 'allow' }), ...more };
    await lab.put(`before-${id}`, { when: '* * * * *', overlap: 'allow' });
    await lab.store.putSchedule({ tenant: 'acme', id, spec, source: 'api', by: 'key:1', plan: planKey(spec) });
    await lab.put(`${id}-after`, { when: '* * * * *', overlap: 'allow' });
  }
  await lab.scheduler();
  await clock.pass(2 * minute + 2 * second);
  for (const id of Object.keys(bad).flatMap((name) => [`before-${name}`, `${name}-after`])) {
    expect(await records(id)).toEqual(as('fired', every(minute, '2027-03-01T00:01:00Z', '2027-03-01T00:03:00Z')));
    const late = (await lab.occurrences(id)).filter(({ at, firedAt = 0 }) => firedAt - at > 100);
    expect(late).toEqual([]);
  }
  for (const id of Object.keys(bad)) expect(await records(id)).toEqual([]);
  for (const id of Object.keys(bad)) await lab.put(id, { when: '* * * * *', overlap: 'allow' });
  await clock.pass(minute);
  for (const id of Object.keys(bad)) expect((await records(id)).at(-1)).toEqual('2027-03-01T00:04Z fired');
});
