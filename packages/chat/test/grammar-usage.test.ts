import { type AnyAction, defineAction } from '@moltbot/plugin-sdk';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { commandFromOptions } from '../src/grammar/command-from-options.ts';
import { usageIn, usageOf } from '../src/grammar/usage-of.ts';
import { alias, contextWith, deploy, shell, status } from './grammar-lab.ts';

const usages = usageOf(contextWith());
const find = (verb: string) => usages.find((usage) => usage.verb === verb);

const action = (name: string, args: z.ZodType = z.strictObject({})): AnyAction =>
  defineAction({ name, summary: `Does ${name}.`, args, run: async () => ({}) });

const discordName = /^[-_\p{L}\p{N}]{1,32}$/u;

describe('usages', () => {
  test('are verbs, aliases, actions, whatever the order they come in', () => {
    const verbs =
      'run script help actions targets tasks show output cancel rerun schedules schedule pause resume fire link unlink whoami language';
    expect(usages.map(({ verb }) => verb)).toEqual([
      ...verbs.split(' '),
      ...['k', 'sync', 'top', 'app-deploy', 'shell-run', 'system-status'],
    ]);
    const { aliases } = contextWith();
    expect(usageOf({ actions: [status, deploy, shell], aliases: [...aliases].reverse() })).toEqual(usages);
  });

  test('describe an action by its schema, required options first', () => {
    expect(find('system-status')).toMatchObject({
      written: 'system.status',
      kind: 'action',
      action: 'system.status',
      form: 'system.status on:TARGETS [top=NUMBER] [sample=NUMBER] [timeout:30s]',
      options: [
        { name: 'on', required: true, completes: 'targets' },
        { name: 'top', type: 'integer', required: false, summary: { en: 'Processes.', 'zh-CN': 'Processes.' } },
        { name: 'sample', type: 'integer', required: false },
        { name: 'timeout', type: 'string', required: false },
      ],
    });
    const options = find('app-deploy')?.options ?? [];
    expect(options.map(({ name, type, required }) => `${name} ${type}${required ? ' *' : ''}`)).toEqual([
      ...['on string *', 'version string *', 'channel string', 'ratio number', 'dry-run boolean', 'hosts string'],
      ...[
        'ports string',
        'labels string',
        'note string',
        'limit string',
        'either string',
        'anything string',
        'timeout string',
      ],
    ]);
    expect(options[2]?.choices).toEqual([
      { label: 'stable', value: 'stable' },
      { label: 'beta', value: 'beta' },
    ]);
  });

  test('describe an alias by its words; one that has targets has no option for them', () => {
    expect(find('sync')).toMatchObject({
      kind: 'alias',
      action: 'shell.run',
      form: 'sync SRC DST on:TARGETS [timeout:30s]',
      options: [{ name: 'on' }, { name: 'src', required: true }, { name: 'dst', required: true }, { name: 'timeout' }],
    });
    expect(find('top')?.options.map(({ name }) => name)).toEqual(['count', 'timeout']);
    expect(find('k')?.options.map(({ name, required }) => [name, required])).toEqual([
      ['on', true],
      ['words', false],
      ['timeout', false],
    ]);
  });

  test('have both languages for all that is not a plugin’s', () => {
    for (const { kind, summary, options } of usages) {
      if (kind !== 'verb') continue;
      for (const text of [summary, ...options.map((option) => option.summary)]) {
        expect(text['zh-CN']).toMatch(/\p{Script=Han}/u);
        expect(text.en).toMatch(/^[\p{ASCII}]+$/u);
      }
    }
    expect(usageIn(usages, 'zh-CN').find(({ verb }) => verb === 'system.status')).toMatchObject({
      name: 'system-status',
      options: [
        { name: 'on', summary: '在哪里：名称、通配符和标签，例如 web-* env=prod。', required: true },
        {},
        {},
        {},
      ],
    });
  });

  test('have names that platforms take, each once, and by which the command is found again', () => {
    const wild = z.strictObject({
      on: z.string(),
      timeout: z.string().optional(),
      dryRun: z.string().optional(),
      'dry-run': z.string().optional(),
      'Ünïcode Näme': z.string().optional(),
      '!': z.string().optional(),
      [`${'long'.repeat(10)}A`]: z.string().optional(),
      [`${'long'.repeat(10)}B`]: z.string().optional(),
    });
    const actions = [
      action('a.b-c', wild),
      action('a-b.c'),
      action('a.b.c'),
      action(`x.${'y'.repeat(40)}`),
      action('中.文'),
    ];
    const aliases = ['a-b-c', 'run', 'a-b-c'].map((name) => alias({ name }));
    const all = usageOf({ actions, aliases });
    const names = all.map(({ verb }) => verb);
    expect(new Set(names).size).toBe(names.length);
    for (const { verb, options } of all) {
      for (const name of [verb, ...options.map((option) => option.name)]) {
        expect(name).toMatch(discordName);
        expect(name).toBe(name.toLowerCase());
      }
      expect(new Set(options.map(({ name }) => name)).size).toBe(options.length);
      const required = options.map((option) => option.required);
      expect(required).toEqual([...required].sort((a, b) => Number(b) - Number(a)));
    }
    for (const { verb, action: name, kind } of all.filter((usage) => usage.kind === 'action')) {
      const own = all.find((usage) => usage.verb === verb)?.options ?? [];
      const given = Object.fromEntries(
        own.map((option) => [option.name, option.name === 'timeout' ? '5s' : `of ${option.name}`]),
      );
      const command = commandFromOptions(verb, given, { actions, aliases, scripts: [] });
      expect(command).toMatchObject({ verb: 'run', action: name, on: 'of on' });
      if (command.verb === 'run' && name === 'a.b-c')
        expect(command.args).toMatchObject({
          on: 'of on-2',
          timeout: 'of timeout-2',
          dryRun: 'of dry-run',
          'dry-run': 'of dry-run-2',
        });
      expect(kind).toBe('action');
    }
  });

  test('no command has more options than platforms take, and those that are needed are among them', () => {
    const many = Object.fromEntries(
      Array.from({ length: 40 }, (_, index) => [`a${index}`, index === 39 ? z.string() : z.string().optional()]),
    );
    const [usage] = usageOf({ actions: [action('x.many', z.strictObject(many))], aliases: [] }).filter(
      ({ kind }) => kind === 'action',
    );
    expect(usage?.options).toHaveLength(25);
    expect(usage?.options.slice(0, 2).map(({ name }) => name)).toEqual(['on', 'a39']);
    expect(usage?.options[24]?.name).toBe('timeout');
  });

  test('schemas of every make are read', () => {
    interface Tree {
      readonly next?: Tree | undefined;
    }
    const tree: z.ZodType<Tree> = z.lazy(() => z.strictObject({ next: tree.optional() }));
    const schemas = [
      action('x.either', z.union([z.strictObject({ a: z.string(), b: z.int() }), z.strictObject({ a: z.string() })])),
      action('x.both', z.object({ a: z.string() }).and(z.object({ b: z.int().optional() }))),
      action(
        'x.kinds',
        z.discriminatedUnion('k', [z.object({ k: z.literal('p'), n: z.int() }), z.object({ k: z.literal('q') })]),
      ),
      action('x.tree', tree),
      action('x.any', z.any()),
      action('x.late', z.strictObject({ at: z.date().optional(), big: z.bigint().optional() })),
      action('x.map', z.record(z.string(), z.int())),
    ];
    const optionsOf = (name: string) =>
      usageOf({ actions: schemas, aliases: [] })
        .find(({ written }) => written === name)
        ?.options.map((option) => `${option.name}${option.required ? '*' : ''}`);
    expect(optionsOf('x.either')).toEqual(['on*', 'a*', 'b', 'timeout']);
    expect(optionsOf('x.both')).toEqual(['on*', 'a*', 'b', 'timeout']);
    expect(optionsOf('x.kinds')).toEqual(['on*', 'k*', 'n', 'timeout']);
    expect(optionsOf('x.tree')).toEqual(['on*', 'next', 'timeout']);
    expect(optionsOf('x.any')).toEqual(['on*', 'timeout']);
    expect(optionsOf('x.late')).toEqual(['on*', 'at', 'big', 'timeout']);
    const context = { actions: schemas, aliases: [], scripts: [] };
    expect(commandFromOptions('x.map', { on: 'a', n: '5' }, context)).toMatchObject({ args: { n: 5 } });
    expect(commandFromOptions('x.kinds', { on: 'a', k: 'Q' }, context)).toMatchObject({ args: { k: 'q' } });
  });
});
