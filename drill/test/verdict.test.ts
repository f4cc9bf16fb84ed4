import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import type { Cancelled } from '../cancels.ts';
import { type Evidence, judge } from '../verdict.ts';

const ended = (taskId: string, state: string, times = 1) => ({ taskId, state, why: undefined, times });

/** Three commands that ran once each and told their ends. */
const good = {
  accepted: [0, 1, 2].map((n) => ({ n, taskId: `t${n}` })),
  lines: ['0', '1', '2'],
  cancelled: [
    { n: 0, taskId: 'c0', said: 'cancelled', hadBegun: false },
    { n: 1, taskId: 'c1', said: 'asked', hadBegun: true },
    { n: 2, taskId: 'c2', said: 'ended', hadBegun: false },
  ] satisfies Cancelled[],
  begun: ['1'],
  processes: [] as number[],
  states: new Map<string, string>([
    ...[0, 1, 2].map((n) => [`t${n}`, 'succeeded'] as const),
    ...([
      ['c0', 'cancelled'],
      ['c1', 'cancelled'],
      ['c2', 'failed'],
    ] as const),
  ]),
  delivered: new Map<string, ReturnType<typeof ended>>([
    ...[0, 1, 2].map((n) => [`t${n}.ended`, ended(`t${n}`, 'succeeded')] as const),
    ...[0, 1, 2].map((n) => [`c${n}.ended`, ended(`c${n}`, 'cancelled')] as const),
  ]),
  forged: 0,
};

function broken(change: Partial<typeof good>): readonly string[] {
  const { delivered, forged, ...rest } = { ...good, ...change };
  const receiver = { url: '', secret: '', delivered: () => delivered, forged: () => forged, stop: async () => {} };
  const evidence: Evidence = { ...rest, receiver };
  return judge(evidence).flatMap(({ promise, kept }) => (kept ? [] : promise));
}

const [lost, twice, untrue, uncancelled, revived, untold, twoIds, forged] = [
  'accepted commands have a final state',
  'no command ran twice',
  'what is said to have run ran, once, and what is said not to have run did not',
  'what was cancelled ends cancelled, and nothing of it is left',
  'what was said to be cancelled before it began never begins',
  'every end was told to its callback',
  'no end was told under two ids',
  'every callback was signed',
];
const as = (n: number, state: string) => new Map([...good.states, [`t${n}`, state]]);

test.each([
  ['nothing went wrong', {}, []],
  [
    'an end that came again under its id',
    { delivered: new Map([...good.delivered, ['t0.ended', ended('t0', 'succeeded', 2)]]) },
    [],
  ],
  ['one of which it is not known whether it ran', { states: as(1, 'unknown') }, []],
  ['one without an end', { states: as(1, 'running (no callback)') }, [lost, untrue]],
  ['one that ran twice', { lines: ['0', '1', '1', '2'] }, [twice, untrue]],
  ['a success that never ran', { lines: ['0', '2'] }, [untrue]],
  ['a cancelled one that ran', { states: as(2, 'cancelled') }, [untrue]],
  ['one that was cancelled and is not', { states: new Map([...good.states, ['c1', 'succeeded']]) }, [uncancelled]],
  ['a cancelled one that failed before it began', { states: new Map([...good.states, ['c0', 'failed']]) }, []],
  [
    'a cancelled one that failed after it began',
    { states: new Map([...good.states, ['c1', 'failed']]) },
    [uncancelled],
  ],
  ['one that was cancelled and of which it is not known', { states: new Map([...good.states, ['c1', 'unknown']]) }, []],
  ['a cancelled one that began twice', { begun: ['1', '1'] }, [uncancelled]],
  ['a process of a cancelled one', { processes: [4711] }, [uncancelled]],
  ['one that began after it was said to be cancelled', { begun: ['0', '1'] }, [revived]],
  ['a cancelled one whose end nobody was told', { delivered: new Map([...good.delivered].slice(0, -1)) }, [untold]],
  ['an end that nobody was told', { delivered: new Map([...good.delivered].slice(1)) }, [untold]],
  ['an end under two ids', { delivered: new Map([...good.delivered, ['x', ended('t0', 'succeeded')]]) }, [twoIds]],
  ['a wrong signature', { forged: 1 }, [forged]],
])('the verdict on %s', (_what, change, promises) => {
  expect(broken(change)).toEqual(promises);
});

test.each([
  ['drill', ['--mode', 'both'], '--mode is "both": it is distributed or embedded'],
  ['drill', ['--faults', 'many'], '--faults is "many": give a whole number'],
  ['chat', ['--platform', 'irc'], '--platform is "irc": it is discord or lark'],
  ['schedules', ['--sedes', '3'], "Unknown option '--sedes'"],
])('%s refuses %j', (name, flags, message) => {
  const program = new URL(`../${name}.ts`, import.meta.url).pathname;
  const { status, stderr } = spawnSync(process.execPath, [program, ...flags], { encoding: 'utf8' });
  expect(stderr).toContain(message);
  expect(status).toBe(2);
});
