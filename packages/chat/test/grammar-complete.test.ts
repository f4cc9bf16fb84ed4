import { selectTargets } from '@moltbot/intake';
import type { Target } from '@moltbot/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { complete } from '../src/grammar/complete.ts';
import { contextWith } from './grammar-lab.ts';

const target = (name: string, labels: Record<string, string> = {}): Target => ({
  transport: 'local',
  name,
  labels,
  pool: 'default',
});

const targets = [
  target('web-1', { env: 'prod', zone: 'a' }),
  target('web-2', { env: 'prod', zone: 'b c' }),
  target('web-3', { env: 'stage' }),
  target('db-1', { env: 'prod', odd: '"' }),
  target('relay'),
];
const tasks = [
  { id: '0198c3a2-0000-7000-8000-000000000001', label: 'uptime on web-*' },
  { id: '0198c3a1-0000-7000-8000-000000000001', label: 'rsync' },
  { id: '0198c3a1-0000-7000-8000-000000000000', label: '' },
];

const schedules = [
  { id: 'disk-watch', label: 'disk-watch · every 5 min · df -h' },
  { id: 'Nightly', label: 'Nightly · every day at 02:30 · backup' },
];

const choices = (typed: string, option = 'on', verb = 'run') =>
  complete({ verb, option, typed }, { ...contextWith(), targets, tasks, schedules });
const values = (...asked: Parameters<typeof choices>) => choices(...asked).map(({ value }) => value);

describe('completion of targets', () => {
  test.each([
    ['', ['all', 'web-*', 'env=prod', 'env=stage', 'zone="b c"', 'zone=a', 'db-1', 'relay', 'web-1', 'web-2', 'web-3']],
    ['web', ['web-*', 'web-1', 'web-2', 'web-3']],
    ['WEB-1', ['web-1']],
    ['lay', ['relay']],
    ['realy', ['relay']],
    [
      'web-* ',
      [
        'web-*',
        'web-* all',
        'web-* web-*',
        'web-* env=prod',
        'web-* env=stage',
        'web-* zone="b c"',
        'web-* zone=a',
        'web-* web-1',
        'web-* web-2',
        'web-* web-3',
      ],
    ],
    ['web-* env=s', ['web-* env=stage']],
    ['web-* env=prod', ['web-* env=prod']],
    ['web-1，d', ['web-1,db-1', 'web-1,env=prod']],
    ['zone="b c"', ['zone="b c"']],
    ['zone="b', ['zone="b c"']],
    ['!re', ['!relay']],
    ['(web-1,d', ['(web-1,db-1)', '(web-1,env=prod)']],
    ['env="', []],
    [';', []],
  ])('%s', (typed, expected) => {
    expect(values(typed)).toEqual(expected);
  });

  test('says how many it selects', () => {
    expect(choices('web-* env=p')).toEqual([{ label: 'web-* env=prod (2)', value: 'web-* env=prod' }]);
  });

  test('each value is a selector that selects something, and fits into a menu, whatever is typed', () => {
    const many = Array.from({ length: 300 }, (_, index) =>
      target(`n${index}-${'x'.repeat(index % 120)}`, { role: `r${index % 40}`, long: 'v'.repeat(index) }),
    );
    const typed = fc.string({ unit: fc.constantFrom(...'nx01-*=r! (),|&"“：'), maxLength: 14 });
    let offered = 0;
    fc.assert(
      fc.property(typed, (text) => {
        const found = complete(
          { verb: 'run', option: 'on', typed: text },
          { ...contextWith(), targets: many, tasks, schedules },
        );
        expect(found.length).toBeLessThanOrEqual(25);
        for (const { label, value } of found) {
          expect(selectTargets(value, many).length).toBeGreaterThan(0);
          expect(Math.max(label.length, value.length)).toBeLessThanOrEqual(100);
          offered += 1;
        }
      }),
      { numRuns: 150 },
    );
    expect(offered).toBeGreaterThan(500);
  });
});

describe('completion of the others', () => {
  test('tasks by the beginning of their id, then by what they are; the newest first', () => {
    expect(values('', 'task', 'show')).toEqual(tasks.map(({ id }) => id));
    expect(values('0198C3A1', 'task', 'cancel')).toEqual([tasks[1]?.id, tasks[2]?.id]);
    expect(choices('upt', 'task', 'rerun')).toEqual([{ label: 'uptime on web-*', value: tasks[0]?.id }]);
    expect(choices('', 'task', 'output')[2]?.label).toBe(tasks[2]?.id);
  });

  test('schedules by their id, then by what they are', () => {
    expect(values('', 'schedule', 'fire')).toEqual(['disk-watch', 'Nightly']);
    expect(values('nig', 'schedule', 'pause')).toEqual(['Nightly']);
    expect(values('df', 'schedule', '恢复')).toEqual(['disk-watch']);
    expect(values('d', 'words', 'schedules')).toEqual([]);
  });

  test('topics of help', () => {
    expect(values('s', 'topic', 'help').slice(0, 7)).toEqual([
      'script',
      'show',
      'schedules',
      'schedule',
      'sync',
      'shell.run',
      'system.status',
    ]);
    expect(values('status', 'topic', '帮助')).toEqual(['system.status']);
    expect(values('', 'topic', 'help').length).toBeLessThanOrEqual(25);
  });

  test('choices of a schema, options of aliases; nothing where there is nothing to say', () => {
    expect(values('b', 'channel', 'app-deploy')).toEqual(['beta', 'stable']);
    expect(values('web-1', 'on', 'system.status')).toEqual(['web-1']);
    expect(values('', 'command')).toEqual([]);
    expect(values('', 'nothing')).toEqual([]);
    expect(values('', 'on', 'nothing')).toEqual([]);
  });
});
