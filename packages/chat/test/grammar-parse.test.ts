import { describe, expect, test } from 'vitest';
import { commandErrorToText } from '../src/grammar/command-error.ts';
import type { CommandHint } from '../src/grammar/command-hint.ts';
import { parseCommand } from '../src/grammar/parse-command.ts';
import { contextWith, refusal } from './grammar-lab.ts';

const parse = (text: string, scripts: readonly { name: string; text: string }[] = []) =>
  parseCommand(text, contextWith({ scripts }));

const shellRun = (on: string, command: string) => ({ verb: 'run', action: 'shell.run', args: { command }, on });

describe('run', () => {
  test.each([
    ['run on:web-* env=prod -- uptime -p', 'web-* env=prod', 'uptime -p'],
    ['run web-* env=prod -- uptime', 'web-* env=prod', 'uptime'],
    ['  RUN   on:"web-* env=prod"   --   ls  ', 'web-* env=prod', '  ls  '],
    ['run on:web-* !web-3 env=prod -- ls', 'web-* !web-3 env=prod', 'ls'],
    ['run env="a  b" web-1 -- ls', 'env="a  b" web-1', 'ls'],
    ['run on:"env=\\"a  b\\"" -- ls', 'env="a  b"', 'ls'],
    ["run on:'web-1 web-2' -- ls", 'web-1 web-2', 'ls'],
    ['run on: web-1 -- ls', 'web-1', 'ls'],
    ['run\non:web-1\n--\nset -e\nls\n', 'web-1', 'set -e\nls\n'],
    ['run on:web-1 -- echo "a -- b" -- “c”　：', 'web-1', 'echo "a -- b" -- “c”　：'],
    ['run on:web-1 -- `which ls` -l', 'web-1', '`which ls` -l'],
    ['run (web-1 , db-*) -- ls', '(web-1 , db-*)', 'ls'],
  ])('%s', (text, on, command) => {
    expect(parse(text)).toEqual(shellRun(on, command));
  });

  test.each([
    ['运行 目标：web-* env＝prod —— uptime', 'web-* env=prod', 'uptime'],
    ['运行　on：“web-1，db-1”　——　ls —— x', 'web-1,db-1', 'ls —— x'],
    ['Run On:web-1 — uptime', 'web-1', 'uptime'],
    ['run on:env=“a，b” – ls', 'env="a，b"', 'ls'],
    ['run on:（web-1、db-1）！web-2 -- ls', '(web-1,db-1)!web-2', 'ls'],
    ['run on:web\u200b -- ls', 'web', 'ls'],
  ])('what phones make of it: %s', (text, on, command) => {
    expect(parse(text)).toEqual(shellRun(on, command));
  });

  test('has a time-out anywhere in its head', () => {
    expect(parse('run timeout:30s on:web-1 -- ls')).toEqual({ ...shellRun('web-1', 'ls'), timeout: '30s' });
    expect(parse('运行 on:web-1 超时：1h30m env=prod —— ls')).toEqual({
      ...shellRun('web-1 env=prod', 'ls'),
      timeout: '1h30m',
    });
  });

  test.each([
    ['run on:web-1\n```sh\nset -e\nls "a b"\n```', 'set -e\nls "a b"'],
    ['run on:web-1 ```\r\nls\r\npwd\r\n```\n', 'ls\r\npwd'],
    ['run on:web-1 ```uptime -p```', 'uptime -p'],
    ['run on:web-1 ```echo `date````', 'echo `date`'],
    ['run on:web-1 `uptime -p`', 'uptime -p'],
    ['run on:web-1 ``echo `date` ``', 'echo `date` '],
    ['run on:web-1 `` `date` ``', '`date`'],
    ['run on:web-1\n````\n```\nls -- x\n````', '```\nls -- x'],
    ['script on:web-1\n```\nls\n\n```', 'ls\n'],
    ['run web-1`ls`', 'ls'],
  ])('takes code: %s', (text, command) => {
    expect(parse(text)).toEqual(shellRun('web-1', command));
  });

  test('takes the script that is attached', () => {
    expect(parse('run on:web-1', [{ name: 'a.sh', text: '#!/bin/sh\nls\n' }])).toEqual(
      shellRun('web-1', '#!/bin/sh\nls\n'),
    );
  });
});

describe('an action', () => {
  test.each([
    ['system.status on:web-*', 'system.status', {}, 'web-*'],
    ['System-Status web-* !web-2 top=3', 'system.status', { top: 3 }, 'web-* !web-2'],
    ['system.status top=３ on:"web-* env=prod" sample=0', 'system.status', { top: 3, sample: 0 }, 'web-* env=prod'],
    ['system。status on：web-1 top＝3', 'system.status', { top: 3 }, 'web-1'],
    ['system.status web-1 env!=prod', 'system.status', {}, 'web-1 env!=prod'],
    ['app.deploy on:a version=1.2', 'app.deploy', { version: '1.2' }, 'a'],
    ['app.deploy on:a version="with \\"two\\" words"', 'app.deploy', { version: 'with "two" words' }, 'a'],
    ['app.deploy on:a version=“a b”', 'app.deploy', { version: 'a b' }, 'a'],
    ['app.deploy on:a version=[x]* dryRun=是', 'app.deploy', { version: '[x]*', dryRun: true }, 'a'],
    [
      'app.deploy on:a version=1 channel=BETA ratio=.5',
      'app.deploy',
      { version: '1', channel: 'beta', ratio: 0.5 },
      'a',
    ],
    [
      'app.deploy on:a version=1 hosts=a,b，c ports=',
      'app.deploy',
      { version: '1', hosts: ['a', 'b', 'c'], ports: [] },
      'a',
    ],
    ['app.deploy on:a version=1 ports=[1, 2]', 'app.deploy', { version: '1', ports: [1, 2] }, 'a'],
    ['app.deploy on:a version=1 ports=80,443', 'app.deploy', { version: '1', ports: [80, 443] }, 'a'],
    [
      'app.deploy on:a version=1 labels={"a b": "}"} ratio=1',
      'app.deploy',
      { version: '1', labels: { 'a b': '}' }, ratio: 1 },
      'a',
    ],
    ['app.deploy on:a version=1 labels=｛“a”：“，”｝', 'app.deploy', { version: '1', labels: { a: '，' } }, 'a'],
    ['app.deploy on:a version=1 note=null', 'app.deploy', { version: '1', note: null }, 'a'],
    ['app.deploy on:a version=1 note="null"', 'app.deploy', { version: '1', note: 'null' }, 'a'],
    ['app.deploy on:a version=1 either=5 anything=5', 'app.deploy', { version: '1', either: 5, anything: '5' }, 'a'],
    ['app.deploy on:a version=1 either="5"', 'app.deploy', { version: '1', either: '5' }, 'a'],
    ['shell.run on:a cwd=/tmp -- ls -l', 'shell.run', { cwd: '/tmp', command: 'ls -l' }, 'a'],
    ['shell.run on:a command="ls -l"', 'shell.run', { command: 'ls -l' }, 'a'],
  ])('%s', (text, action, args, on) => {
    expect(parse(text)).toEqual({ verb: 'run', action, args, on });
  });

  test('a name from the prototype is no argument', () => {
    const error = refusal(() => parse('system.status on:a __proto__=1'));
    expect(error.details).toMatchObject({ hint: { kind: 'unknown-argument', word: '__proto__' } });
  });
});

const id = '0198c3a1-7b2f-7c3d-9e4f-5a6b7c8d9e0f';

describe('the other verbs', () => {
  test.each([
    ['help', { verb: 'help' }],
    ['帮助 system.status', { verb: 'help', topic: 'system.status' }],
    ['HELP   run  now', { verb: 'help', topic: 'run now' }],
    ['actions', { verb: 'actions' }],
    ['动作', { verb: 'actions' }],
    ['targets', { verb: 'targets' }],
    ['目标 web-* env＝prod', { verb: 'targets', on: 'web-* env=prod' }],
    ['targets on:"web-1 web-2"', { verb: 'targets', on: 'web-1 web-2' }],
    ['任务', { verb: 'tasks' }],
    ['schedules', { verb: 'schedules' }],
    ['计划  disk  web-*', { verb: 'schedules', words: 'disk web-*' }],
    ['schedule `disk-watch`', { verb: 'schedule', schedule: 'disk-watch' }],
    ['查看计划 Nightly', { verb: 'schedule', schedule: 'Nightly' }],
    ['暂停 “disk－watch”', { verb: 'pause', schedule: 'disk-watch' }],
    ['恢复 disk-watch', { verb: 'resume', schedule: 'disk-watch' }],
    ['Fire disk-watch', { verb: 'fire', schedule: 'disk-watch' }],
    [`show ${id}`, { verb: 'show', task: id }],
    [`查看 ${id.toUpperCase()}`, { verb: 'show', task: id }],
    ['输出 `0198c3a1`', { verb: 'output', task: '0198c3a1' }],
    ['取消 0198c3a1—7b2f', { verb: 'cancel', task: '0198c3a1-7b2f' }],
    ['rerun 0198c3a1', { verb: 'rerun', task: '0198c3a1', failed: false }],
    ['重跑 0198c3a1 失败', { verb: 'rerun', task: '0198c3a1', failed: true }],
    ['绑定 ABCD-1234', { verb: 'link', code: 'ABCD-1234' }],
    ['解绑', { verb: 'unlink' }],
    ['我是谁', { verb: 'whoami' }],
    ['语言 简体中文', { verb: 'language', language: 'zh-CN' }],
    ['language English', { verb: 'language', language: 'en' }],
    ['language zh', { verb: 'language', language: 'zh-CN' }],
  ])('%s', (text, command) => {
    expect(parse(text)).toEqual(command);
  });
});

describe('what is not understood', () => {
  test.each<[text: string, position: number, hint: CommandHint]>([
    ['', 0, { kind: 'empty' }],
    [' rnu on:web-1 -- ls', 1, { kind: 'unknown-verb', word: 'rnu', meant: 'run' }],
    ['system.staus on:a', 0, { kind: 'unknown-verb', word: 'system.staus', meant: 'system.status' }],
    ['status on:a', 0, { kind: 'unknown-verb', word: 'status', meant: 'system.status' }],
    ['snyc a b', 0, { kind: 'unknown-verb', word: 'snyc', meant: 'sync' }],
    ['运形 on:a', 0, { kind: 'unknown-verb', word: '运形', meant: '运行' }],
    ['你好', 0, { kind: 'unknown-verb', word: '你好' }],
    ['ls', 0, { kind: 'unknown-verb', word: 'ls' }],
    ['foo', 0, { kind: 'unknown-verb', word: 'foo' }],
    ['run on:web-1', 12, { kind: 'missing-command' }],
    ['run on:web-1 -- \n', 16, { kind: 'missing-command' }],
    ['run on:web-1 --uptime', 13, { kind: 'missing-command' }],
    ['run -- ls', 4, { kind: 'missing-on' }],
    ['run on: -- ls', 4, { kind: 'missing-value', word: 'on:' }],
    ['run on:a tiemout:30s -- ls', 9, { kind: 'unknown-option', word: 'tiemout:', meant: 'timeout:' }],
    ['run on:a timeout:soon -- ls', 17, { kind: 'bad-timeout', word: 'soon' }],
    ['run on:a on:b -- ls', 9, { kind: 'repeated', word: 'on:' }],
    ['run on:"a -- ls', 7, { kind: 'unclosed', quote: '"' }],
    ['run on:a env="b -- ls', 13, { kind: 'unclosed', quote: '"' }],
    ['run on:"a"b -- ls', 10, { kind: 'text-after-quote', quote: '"' }],
    ['run on:a ```ls', 9, { kind: 'unclosed', quote: '```' }],
    ['run on:a ```ls``` now', 18, { kind: 'text-after-code' }],
    ['run on:a -- ```\nls\n```', 12, { kind: 'block-after-dashes' }],
    [
      'system.status on:a tpo=3',
      19,
      { kind: 'unknown-argument', action: 'system.status', word: 'tpo', known: ['top', 'sample'], meant: 'top' },
    ],
    [
      'system.status on:web-* env=prod',
      23,
      { kind: 'unknown-argument', action: 'system.status', word: 'env', known: ['top', 'sample'] },
    ],
    ['system.status on:a top=many', 23, { kind: 'bad-argument', name: 'top', word: 'many', expected: 'integer' }],
    ['system.status on:a top=1.5', 23, { kind: 'bad-argument', name: 'top', word: '1.5', expected: 'integer' }],
    ['system.status on:a top = 3', 23, { kind: 'spaced-equals' }],
    ['system.status on:a top=3 top=4', 25, { kind: 'repeated', word: 'top=' }],
    ['system.status on:a top:3', 19, { kind: 'unknown-option', word: 'top:', meant: 'top=' }],
    ['system.status on:a -- ls', 19, { kind: 'takes-no-command', action: 'system.status' }],
    ['system.status top=3', 19, { kind: 'missing-on' }],
    ['app.deploy on:a', 15, { kind: 'missing-arguments', action: 'app.deploy', names: ['version'] }],
    [
      'app.deploy on:a version=1 channel=bta',
      34,
      {
        kind: 'bad-argument',
        name: 'channel',
        word: 'bta',
        expected: 'choice',
        choices: ['stable', 'beta'],
        meant: 'beta',
      },
    ],
    [
      'app.deploy on:a version=1 labels={a:1}',
      33,
      { kind: 'bad-argument', name: 'labels', word: '{a:1}', expected: 'object' },
    ],
    ['app.deploy on:a version=1 ports=1,x', 32, { kind: 'bad-argument', name: 'ports', word: '1,x', expected: 'list' }],
    ['sync a on:web-1', 15, { kind: 'usage', usage: 'sync SRC DST on:TARGETS [timeout:30s]' }],
    ['sync a b c on:web-1', 9, { kind: 'usage', usage: 'sync SRC DST on:TARGETS [timeout:30s]' }],
    ['sync a b', 8, { kind: 'missing-on' }],
    ['top 3 on:db-1', 6, { kind: 'fixed-on', alias: 'top', on: 'web-*' }],
    ['top many', 0, { kind: 'bad-argument', name: 'top', word: 'many', expected: 'integer' }],
    ['fire', 4, { kind: 'usage', usage: 'fire SCHEDULE' }],
    ['pause "" ', 6, { kind: 'usage', usage: 'pause SCHEDULE' }],
    ['resume a b', 9, { kind: 'usage', usage: 'resume SCHEDULE' }],
    ['show', 4, { kind: 'usage', usage: 'show TASK' }],
    ['show 0198c3a', 5, { kind: 'bad-task', word: '0198c3a' }],
    ['show 0198c3a1 now', 14, { kind: 'usage', usage: 'show TASK' }],
    ['show 0198c3a17', 5, { kind: 'bad-task', word: '0198c3a17' }],
    ['rerun 0198c3a1 all', 15, { kind: 'usage', usage: 'rerun TASK [failed]' }],
    ['whoami please', 7, { kind: 'usage', usage: 'whoami' }],
    ['language klingon', 9, { kind: 'bad-language', word: 'klingon' }],
  ])('%s', (text, position, hint) => {
    const error = refusal(() => parse(text));
    expect(error.code).toBe('MOLT_CHAT_COMMAND');
    expect(error.details).toEqual({ position, hint });
    expect(error.message).toContain(`(at character ${position + 1})`);
  });

  const script = (name: string, text = 'ls') => ({ name, text });
  test.each<[text: string, scripts: readonly { name: string; text: string }[], hint: CommandHint]>([
    ['run on:a -- ls', [script('a.sh')], { kind: 'command-and-script', name: 'a.sh' }],
    ['run on:a', [script('a.sh'), script('b.sh')], { kind: 'many-scripts', names: ['a.sh', 'b.sh'] }],
    ['run on:a', [script('a.sh', ' \n')], { kind: 'empty-script', name: 'a.sh' }],
  ])('%s with scripts', (text, scripts, hint) => {
    expect(refusal(() => parse(text, scripts)).details).toMatchObject({ hint });
  });

  test('is said in the language of who wrote it', () => {
    const error = refusal(() => parse('运形 on:a'));
    expect(commandErrorToText(error, 'en')).toBe('"运形" is no command; did you mean 运行? (at character 1)');
    expect(commandErrorToText(error, 'zh-CN')).toBe('没有“运形”这个命令；是不是想写 运行？（第 1 个字符）');
    expect(error.message).toBe(commandErrorToText(error, 'en'));
  });

  test('a long word is shown in one short line', () => {
    const error = refusal(() => parse(`x\u2028${'y'.repeat(5_000)}`.replace('\u2028', '\u0007')));
    expect(error.message.length).toBeLessThan(200);
    expect(error.message).not.toMatch(/\p{Cc}/u);
  });
});
