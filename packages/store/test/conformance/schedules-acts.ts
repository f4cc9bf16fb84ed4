import { type Occurrence, occurrenceStates, ScheduleSpec } from '@moltbot/shared';
import { type Arbitrary, array, boolean, constant, constantFrom, nat, oneof, option, record } from 'fast-check';
import type { NewOccurrence } from '../../src/schedules-port.ts';
import type { Call } from './schedules-model.ts';

/** A call as it is thought of; which revision, epoch and records it carries is known when it is made. 0 is the newest. */
export type Wish =
  | Exclude<Call, { do: 'decide' | 'restore' }>
  | (Omit<Call & { do: 'decide' }, 'revision' | 'epoch'> & { readonly revisionAge: number; readonly leader: Leader })
  | { readonly do: 'restore' };
type Leader = 'newest' | 'former' | 'none';

export type Act =
  | { readonly do: 'call'; readonly wish: Wish; readonly again: boolean }
  | { readonly do: 'together'; readonly wishes: readonly [Wish, Wish] }
  | { readonly do: 'elect' | 'empty' };

export const ids = ['a', 'b'] as const;
/** Mostly one of them, as what happens to it twice tells more. */
const id = constantFrom('a', 'a', 'a', 'b');
export const instants: readonly number[] = [0, 1].map((n) => Date.UTC(2023, 0, 1) + n * 1_000);
const at = constantFrom(...instants);
const cursor = constantFrom(undefined, ...instants, Date.UTC(2050, 0, 1), Date.UTC(2050, 0, 2));
const source = constantFrom('api', 'api', 'api', 'config');
const state = constantFrom(...occurrenceStates, 'firing', 'fired');
const reason = option(constantFrom('overlap', 'window'), { nil: undefined });
const taskId = option(constantFrom('t1', 't2'), { nil: undefined });

const spec = record({
  when: constantFrom('@daily', '@hourly'),
  owner: constantFrom('x', 'y'),
  enabled: boolean(),
}).map(specOf);

export function specOf(fields: Partial<ScheduleSpec>): ScheduleSpec {
  return ScheduleSpec.parse({ when: '@daily', task: { action: 'shell.run', on: 'web-1' }, ...fields });
}

const occurrence: Arbitrary<NewOccurrence> = record({
  ...{ at, delay: constantFrom(0, 0, 1_000), state, kind: constantFrom('planned', 'planned', 'manual'), reason },
  count: constantFrom(undefined, undefined, 3),
}).map(({ delay, count, ...given }) => ({
  ...{ ...given, due: given.at + delay },
  ...(given.state === 'fired' && { taskId: 't1' }),
  ...(count !== undefined && isJoined(given.state) && { count, until: given.at + 500 }),
}));
const isJoined = (given: Occurrence['state']): boolean => given === 'missed' || given === 'skipped';

const is = <T extends string>(name: T) => constant<T>(name);
const wish: Arbitrary<Wish> = oneof(
  { weight: 3, arbitrary: record({ do: is('put'), id, spec, source }) },
  { weight: 1, arbitrary: record({ do: is('drop'), id, source }) },
  {
    weight: 2,
    arbitrary: record({ do: is('pause'), id, why: constantFrom(undefined, 'operator' as const, 'failures' as const) }),
  },
  {
    weight: 7,
    arbitrary: record({
      ...{ do: is('decide'), scheduleId: id, cursor, occurrences: array(occurrence, { maxLength: 4 }) },
      revisionAge: oneof(constant(0), nat(2)),
      leader: constantFrom<Leader[]>('newest', 'newest', 'newest', 'former', 'none'),
    }),
  },
  {
    weight: 7,
    arbitrary: record({
      ...{ do: is('move'), scheduleId: id, at, follow: boolean() },
      to: record({ state, reason, note: option(constant('why'), { nil: undefined }), taskId }),
    }),
  },
  { weight: 2, arbitrary: record({ do: is('reopen'), scheduleId: id, at }) },
  {
    weight: 3,
    arbitrary: record({
      ...{ do: is('end'), scheduleId: id, at, outcome: constantFrom('succeeded' as const, 'failed' as const) },
      failed: constantFrom(undefined, true, false),
    }),
  },
  { weight: 1, arbitrary: record({ do: is('restore') }) },
);
export const act: Arbitrary<Act> = oneof(
  { weight: 12, arbitrary: record({ do: is('call'), wish, again: boolean() }) },
  {
    weight: 4,
    arbitrary: record({ do: is('together'), wishes: array(wish, { minLength: 2, maxLength: 2 }).map(pairOf) }),
  },
  { weight: 1, arbitrary: record({ do: constantFrom('elect', 'empty') }) },
);

function pairOf([one, two]: readonly Wish[]): readonly [Wish, Wish] {
  if (!one || !two) throw new Error('two are needed');
  return [one, two];
}
