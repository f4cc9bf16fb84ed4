import { type DeclaredSchedule, ScheduleSpec } from '@moltbot/shared';
import { expect, test } from 'vitest';
import { diffDeclared, type KnownSchedule } from '../src/diff-declared.ts';

const specOf = (more: Record<string, unknown> = {}): ScheduleSpec =>
  ScheduleSpec.parse({ when: '@daily', task: { action: 'shell.run', on: 'web-1' }, ...more });
const declare = (id: string, more = {}, tenant = 'acme'): DeclaredSchedule => ({ tenant, id, spec: specOf(more) });
const known = (id: string, more = {}, rest: Partial<KnownSchedule> = {}): KnownSchedule => ({
  ...{ tenant: 'acme', id, source: 'config', spec: specOf(more) },
  ...rest,
});

test('what is new, another, declared no more, or of the API is told apart', () => {
  const declared = [declare('new'), declare('same'), declare('other', { owner: 'ops' }), declare('theirs')];
  const there = [known('gone'), known('same'), known('other'), known('theirs', {}, { source: 'api' })];
  const [fresh, same, other, theirs] = declared;
  expect(same?.id).toBe('same');
  expect(diffDeclared(declared, [...there, known('mine', {}, { source: 'api' })])).toEqual([
    { kind: 'new', declared: fresh },
    { kind: 'changed', declared: other, fields: [{ path: 'owner', from: undefined, to: 'ops' }] },
    { kind: 'foreign', declared: theirs },
    { kind: 'gone', known: there[0] },
  ]);
});

test('a name counts in its tenant', () => {
  expect(diffDeclared([declare('a', {}, 'globex')], [known('a')]).map(({ kind }) => kind)).toEqual(['new', 'gone']);
});

test('a change is told by its path; a list is one value', () => {
  const from = { task: { action: 'shell.run', on: 'a', args: { command: 'true', constructor: 1 } } };
  const to = {
    task: { action: 'shell.run', on: 'a', args: { command: ['true'] }, retries: 1 },
    calendars: { exclude: ['x'] },
  };
  expect(diffDeclared([declare('a', to)], [known('a', from)])).toMatchObject([
    {
      fields: [
        { path: 'calendars.exclude', from: [], to: ['x'] },
        { path: 'task.args.command', from: 'true', to: ['true'] },
        { path: 'task.args.constructor', from: 1, to: undefined },
        { path: 'task.retries', from: undefined, to: 1 },
      ],
    },
  ]);
});

test('what is kept the same way is no change: no prototypes, nothing undefined', () => {
  const nested: object = Object.assign(Object.create(null), { a: 1 });
  const spec = { ...specOf(), owner: undefined, task: { ...specOf().task, args: { list: [nested] } } };
  const there = { ...specOf(), task: { ...specOf().task, args: { list: [{ a: 1 }] } } };
  expect(diffDeclared([{ tenant: 'acme', id: 'a', spec }], [known('a', {}, { spec: there })])).toEqual([]);
});

/** All pairs of what may be of one name: declared or not, there or not, of either source, alike or not. */
const wanted = [undefined, '@daily', '@hourly'] as const;
const standing = [undefined, 'config @daily', 'config @hourly', 'api @daily'] as const;
const cases = wanted.flatMap((when) => standing.map((before) => [when, before] as const));

test.each(cases)('declared %s over %s: applied once, there is nothing left but what is refused', (when, before) => {
  for (const [otherWhen, otherBefore] of cases) {
    const declared = Object.entries({ a: when, b: otherWhen }).flatMap(([id, each]) =>
      each === undefined ? [] : [declare(id, { when: each })],
    );
    const there = new Map<string, KnownSchedule>();
    for (const [id, each] of Object.entries({ a: before, b: otherBefore })) {
      const [source, of] = each?.split(' ') ?? [];
      if (source === 'config' || source === 'api') there.set(id, known(id, { when: of }, { source }));
    }
    const ofApi = [...there.values()].filter(({ source }) => source === 'api');
    for (const change of diffDeclared(declared, there.values())) {
      if (change.kind === 'gone') there.delete(change.known.id);
      else if (change.kind !== 'foreign') there.set(change.declared.id, { ...change.declared, source: 'config' });
    }
    const [refused, taken] = [true, false].map((is) =>
      declared.filter(({ id }) => ofApi.some((each) => each.id === id) === is),
    );
    expect(new Set(there.values())).toEqual(
      new Set([...ofApi, ...(taken ?? []).map((each) => ({ ...each, source: 'config' }))]),
    );
    expect(diffDeclared(declared, there.values())).toEqual(
      refused?.map((each) => ({ kind: 'foreign', declared: each })),
    );
  }
});
