import { describe, expect, test } from 'vitest';
import { commandFromOptions } from '../src/grammar/command-from-options.ts';
import type { CommandHint } from '../src/grammar/command-hint.ts';
import { alias, contextWith, refusal } from './grammar-lab.ts';

type Options = Readonly<Record<string, string | number | boolean>>;

const context = contextWith({
  aliases: [
    ...contextWith().aliases,
    alias({ name: 'ctl', args: { command: 'systemctl {1} {*}' }, usage: 'VERB UNITS…' }),
  ],
});
const from = (verb: string, options: Options = {}) => commandFromOptions(verb, options, context);

const id = '0198c3a1-7b2f-7c3d-9e4f-5a6b7c8d9e0f';

describe('named options', () => {
  test.each<[verb: string, options: Options, command: object]>([
    [
      'run',
      { command: ' ls ``` ', on: 'web-*  env＝prod' },
      { verb: 'run', action: 'shell.run', args: { command: ' ls ``` ' }, on: 'web-* env=prod' },
    ],
    [
      '运行',
      { command: 'ls', on: 'a', timeout: '５m' },
      { verb: 'run', action: 'shell.run', args: { command: 'ls' }, on: 'a', timeout: '5m' },
    ],
    [
      'script',
      { text: 'set -e\nls\n', on: 'a' },
      { verb: 'run', action: 'shell.run', args: { command: 'set -e\nls\n' }, on: 'a' },
    ],
    ['system-status', { on: 'a', top: 3 }, { verb: 'run', action: 'system.status', args: { top: 3 }, on: 'a' }],
    ['system.status', { on: 'a', top: '3' }, { verb: 'run', action: 'system.status', args: { top: 3 }, on: 'a' }],
    [
      'app-deploy',
      { on: 'a', version: 5, 'dry-run': true, hosts: 'a,b', labels: '{"a":"b"}' },
      {
        verb: 'run',
        action: 'app.deploy',
        args: { version: '5', dryRun: true, hosts: ['a', 'b'], labels: { a: 'b' } },
        on: 'a',
      },
    ],
    [
      'app.deploy',
      { on: 'a', version: '5', dryRun: false, either: '5' },
      { verb: 'run', action: 'app.deploy', args: { version: '5', dryRun: false, either: 5 }, on: 'a' },
    ],
    [
      'sync',
      { src: 'my dir', dst: 'b', on: 'a' },
      { verb: 'run', action: 'shell.run', args: { command: "rsync -a 'my dir' b" }, on: 'a' },
    ],
    [
      'ctl',
      { verb: 'restart', units: 'a "b c"', on: 'a' },
      { verb: 'run', action: 'shell.run', args: { command: "systemctl restart a 'b c'" }, on: 'a' },
    ],
    [
      'ctl',
      { verb: 'status', on: 'a' },
      { verb: 'run', action: 'shell.run', args: { command: 'systemctl status ' }, on: 'a' },
    ],
    ['top', { count: '3' }, { verb: 'run', action: 'system.status', args: { top: 3 }, on: 'web-*' }],
    ['help', { topic: 'run' }, { verb: 'help', topic: 'run' }],
    ['targets', { on: 'web-*' }, { verb: 'targets', on: 'web-*' }],
    ['targets', {}, { verb: 'targets' }],
    ['schedules', {}, { verb: 'schedules' }],
    ['schedules', { words: ' disk  watch ' }, { verb: 'schedules', words: 'disk watch' }],
    ['schedule', { schedule: ' disk-watch ' }, { verb: 'schedule', schedule: 'disk-watch' }],
    ['pause', { schedule: 'a' }, { verb: 'pause', schedule: 'a' }],
    ['resume', { schedule: 'a' }, { verb: 'resume', schedule: 'a' }],
    ['fire', { schedule: 'a' }, { verb: 'fire', schedule: 'a' }],
    ['tasks', {}, { verb: 'tasks' }],
    ['show', { task: id }, { verb: 'show', task: id }],
    ['rerun', { task: id, failed: true }, { verb: 'rerun', task: id, failed: true }],
    ['rerun', { task: id }, { verb: 'rerun', task: id, failed: false }],
    ['link', { code: ' ABCD ' }, { verb: 'link', code: 'ABCD' }],
    ['language', { language: 'zh-CN' }, { verb: 'language', language: 'zh-CN' }],
  ])('%s %o', (verb, options, command) => {
    expect(from(verb, options)).toEqual(command);
  });

  test.each<[verb: string, options: Options, option: string | undefined, hint: CommandHint]>([
    ['rnu', {}, undefined, { kind: 'unknown-verb', word: 'rnu', meant: 'run' }],
    ['run', { command: 'ls' }, 'on', { kind: 'missing-on' }],
    ['run', { command: ' ', on: 'a' }, 'command', { kind: 'missing-command' }],
    ['run', { command: 'ls', on: 'a', timeout: 'x' }, 'timeout', { kind: 'bad-timeout', word: 'x' }],
    [
      'run',
      { command: 'ls', on: 'a', tiemout: '5s' },
      'tiemout',
      {
        kind: 'unknown-argument',
        action: 'run',
        word: 'tiemout',
        known: ['command', 'on', 'timeout'],
        meant: 'timeout',
      },
    ],
    [
      'system.status',
      { on: 'a', top: 'x' },
      'top',
      { kind: 'bad-argument', name: 'top', word: 'x', expected: 'integer' },
    ],
    [
      'system.status',
      { on: 'a', top: 1.5 },
      'top',
      { kind: 'bad-argument', name: 'top', word: '1.5', expected: 'integer' },
    ],
    ['app.deploy', { on: 'a' }, undefined, { kind: 'missing-arguments', action: 'app.deploy', names: ['version'] }],
    ['sync', { src: 'a', on: 'a' }, 'dst', { kind: 'missing-arguments', action: 'sync', names: ['dst'] }],
    ['top', { count: 3, on: 'db-1' }, 'on', { kind: 'fixed-on', alias: 'top', on: 'web-*' }],
    ['show', { task: 'x' }, 'task', { kind: 'bad-task', word: 'x' }],
    ['show', {}, 'task', { kind: 'missing-arguments', action: 'show', names: ['task'] }],
  ])('%s %o is refused', (verb, options, option, hint) => {
    const error = refusal(() => from(verb, options));
    expect(error.code).toBe('MOLT_CHAT_COMMAND');
    expect(error.details).toEqual({ position: 0, ...(option !== undefined && { option }), hint });
  });

  test('a script may be attached in place of a text', () => {
    const scripts = [{ name: 'a.sh', text: 'ls\n' }];
    const command = { verb: 'run', action: 'shell.run', args: { command: 'ls\n' }, on: 'a' };
    for (const verb of ['script', 'run', 'shell-run']) {
      expect(commandFromOptions(verb, { on: 'a' }, contextWith({ scripts }))).toEqual(command);
    }
    const both = refusal(() => commandFromOptions('script', { on: 'a', text: 'ls' }, contextWith({ scripts })));
    expect(both.details).toMatchObject({ option: 'text', hint: { kind: 'command-and-script', name: 'a.sh' } });
  });
});
