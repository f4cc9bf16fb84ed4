import { newId, type Occurrence, runIdOf, silentLogger } from '@moltbot/shared';
import { type Claim, createSqliteStore, type MoveOutcome } from '@moltbot/store';
import { onTestFinished } from 'vitest';
import { type Lab, openLab, type Surroundings } from './lab.ts';
import { createTravellingClock, type TravellingClock } from './travelling-clock.ts';

export const second: number = 1_000;
export const minute: number = 60 * second;
export const hour: number = 60 * minute;
export const day: number = 24 * hour;
const years = 366 * day;

export interface Travel {
  readonly lab: Lab;
  readonly clock: TravellingClock;
  /** Every record, oldest first: `2027-03-28T01:00Z fired`. */
  records(id: string): Promise<readonly string[]>;
  /** The store forgets everything, as one without a disk that was started again. */
  empty(): Promise<void>;
}

/**
 * One in which the machine is away for days keeps its lead: leases are short where a test is about that.
 * @param begin ISO-8601
 */
export async function travel(begin: string, surroundings: Surroundings = {}): Promise<Travel> {
  const clock = createTravellingClock(Date.parse(begin));
  const retention = { tasksMs: 20 * years, outputMs: 20 * years };
  const open = () => createSqliteStore({ file: ':memory:', retention, clock, log: silentLogger });
  let current = open();
  const store = clock.holding(
    new Proxy(current, {
      get: (_, key) =>
        typeof Reflect.get(current, key) === 'function'
          ? (...args: readonly unknown[]): unknown => Reflect.apply(Reflect.get(current, key), current, args)
          : Reflect.get(current, key),
    }),
  );
  const lab = await openLab(store, { leaseMs: 20 * years, ...surroundings, clock });
  return {
    clock,
    lab: {
      ...lab,
      async scheduler(options) {
        const scheduler = await lab.scheduler(options);
        // What it has in hand may need time to end.
        onTestFinished(() => clock.passWhile(scheduler.stop()));
        return scheduler;
      },
    },
    records: async (id) => (await lab.occurrences(id)).map(recordText).toReversed(),
    async empty() {
      await current.stop();
      current = open();
      await current.start();
    },
  };
}

const minuteText = (at: number): string => new Date(at).toISOString().replace(':00.000Z', 'Z');

function recordText({ at, state, reason, note, count, until }: Occurrence): string {
  const row = count === undefined ? '' : `×${count} until ${minuteText(until ?? at)}`;
  return [minuteText(at), state, reason, note && `(${note})`, row].filter(Boolean).join(' ');
}

/** The instants from one to another, both included. */
export const every = (ms: number, from: string, to: string): readonly string[] => {
  const [first, last] = [Date.parse(from), Date.parse(to)];
  return Array.from({ length: (last - first) / ms + 1 }, (_, index) => minuteText(first + index * ms));
};
export const as = (state: string, instants: readonly string[]): readonly string[] =>
  instants.map((at) => `${at} ${state}`);

/** Lets the schedulers look at each instant of a grid as it comes, and at nothing in between. */
export async function stride(clock: TravellingClock, ms: number, to: string): Promise<void> {
  while (clock.now() < Date.parse(to)) await clock.leapTo(Math.min(Date.parse(to), clock.now() + ms));
}

export const taskOf = ({ accepted }: Lab, index: number): string => accepted[index]?.split(' ')[1] ?? '';

export interface Work {
  readonly verdict: Claim['verdict'];
  /** Whether a cancel was asked for. */
  readonly isToStop?: () => Promise<boolean>;
  readonly end?: (state: 'succeeded' | 'failed' | 'cancelled') => Promise<MoveOutcome>;
}

/** What an executor does with the one run of a task: claims and starts it, where it may. */
export async function work({ store }: Lab, taskId: string): Promise<Work> {
  const task = (await store.getTask('acme', taskId))?.task;
  if (!task) throw new Error('there is no task');
  const target = { name: 'web-1', labels: {}, pool: 'default', transport: 'local' } as const;
  const claim = await store.claimRun({
    order: { runId: runIdOf(taskId, 0), index: 0, target, task },
    ...{ worker: 'w', leaseMs: day, redelivered: false, publishedAt: 0, claimId: newId(), start: true },
  });
  if (claim.verdict !== 'run') return { verdict: claim.verdict };
  const { token } = claim;
  return {
    verdict: claim.verdict,
    isToStop: async () => (await store.renewLeases([token], day)).some(({ cancelRequested }) => cancelRequested),
    end: (state) => store.finishRun(token, { state, exitCode: 0 }),
  };
}
