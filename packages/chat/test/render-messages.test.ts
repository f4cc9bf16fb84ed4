import type { NotificationBatch, NotificationItem } from '@moltbot/plugin-sdk';
import { MoltError, type Notification, type Target } from '@moltbot/shared';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { commandError } from '../src/grammar/command-error.ts';
import { errorToMessage } from '../src/render/error-to-message.ts';
import { helpToMessage, topicToMessage, type Usage, unknownTopicToMessage } from '../src/render/help-to-message.ts';
import { actionsToMessage, targetsToMessage, tasksToMessage } from '../src/render/list-to-message.ts';
import { buttonKey, notificationToMessage } from '../src/render/notification-to-message.ts';
import { personToMessage, sentenceToMessage } from '../src/render/person-to-message.ts';
import { type QuestionView, questionToMessage } from '../src/render/question-to-message.ts';
import { acceptedAt, runOf, shown, viewOf } from './render-lab.ts';
import { expectPromises } from './render-promises.ts';

test('an error: title, what was wrong, what to do, code', () => {
  const error = new MoltError('MOLT_UNKNOWN_ACTION', 'there is no action "deply"; did you mean "deploy"?');
  expect(shown(errorToMessage(error, 'en'))).toMatchInlineSnapshot(`
    "(failure) No such action
    there is no action "deply"; did you mean "deploy"?
    Send actions to see which there are.
    _MOLT_UNKNOWN_ACTION_"
  `);
  expect(shown(errorToMessage(error, 'zh-CN'))).toMatchInlineSnapshot(`
    "(failure) 没有这个操作
    没有操作“deply”；是不是想写“deploy”？
    发送 actions 查看所有操作。
    _MOLT_UNKNOWN_ACTION_"
  `);
});

test('the place of a mistake is marked under the command', () => {
  const command = 'run on:web-* timout:30s -- uptime';
  const error = commandError(command.indexOf('timout'), { kind: 'unknown-option', word: 'timout', meant: 'timeout:' });
  expect(shown(errorToMessage(error, 'en', command))).toMatchInlineSnapshot(`
    "(warning) The command cannot be understood
    "timout" is no option; did you mean timeout:? (at character 14)
    --- 
    run on:web-* timout:30s -- uptime
                 ^
    ---
    _MOLT_CHAT_COMMAND_"
  `);
  expect(shown(errorToMessage(error, 'zh-CN', command))).toMatchInlineSnapshot(`
    "(warning) 无法理解这条命令
    没有“timout”这个选项；是不是想写 timeout:？（第 14 个字符）
    --- 
    run on:web-* timout:30s -- uptime
                 ^
    ---
    _MOLT_CHAT_COMMAND_"
  `);
});

test.each([
  ['in a later line', 'one\ntwo three\nfour', 8, 'two three\n    ^'],
  ['after wide characters', '在主机上 运行', 5, '在主机上 运行\n         ^'],
  ['at the end', 'run', 3, 'run\n   ^'],
  ['beyond the end', 'run', 99, 'run\n   ^'],
  [
    'in a long line',
    `${'a'.repeat(100)}X${'b'.repeat(100)}`,
    100,
    `…${'a'.repeat(40)}X${'b'.repeat(39)}…\n${' '.repeat(41)}^`,
  ],
])('a caret %s', (_name, command, position, code) => {
  const error = new MoltError('MOLT_BAD_SELECTOR', 'not a selector', { details: { position } });
  expect(errorToMessage(error, 'en', command).code).toEqual([{ text: code }]);
});

test('no caret where there is no text, no position, or a named option', () => {
  const at = (details: Record<string, unknown>, command?: string) =>
    errorToMessage(new MoltError('MOLT_BAD_SELECTOR', 'wrong', { details }), 'en', command).code;
  expect([at({ position: 1 }), at({}, 'text'), at({ position: 1, option: 'on' }, 'text')]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

test('places are listed when there are several; of a defect nothing inner is told', () => {
  const places = [
    { path: '/a', message: 'is missing' },
    { path: '/b', message: 'is no number' },
  ];
  const several = new MoltError('MOLT_BAD_ARGUMENTS', 'two arguments are wrong', { places });
  expect(errorToMessage(several, 'en').text).toEqual([
    ...[
      'two arguments are wrong',
      '/a is missing',
      '/b is no number',
      'Send help and the name of the action to see its arguments.',
    ],
  ]);
  const inner = new MoltError('MOLT_INTERNAL', 'connect to redis://secret@10.0.0.1 failed');
  expect(JSON.stringify(errorToMessage(inner, 'en'))).not.toContain('secret');
});

const usages: readonly Usage[] = [
  { verb: 'run', form: 'run on:TARGETS -- COMMAND', summary: 'Runs a shell command on targets.', options: [] },
  { verb: 'tasks', summary: 'Lists the newest tasks.', options: [] },
];

test('help: what there is, and one command with its options', () => {
  expect(shown(helpToMessage(usages, 'en'))).toMatchInlineSnapshot(`
    "(neutral) What I understand
    Write to me directly, or mention me in a channel.
    help <command> says more.
    --- 
    run on:TARGETS -- COMMAND  Runs a shell command on targets.
    tasks                      Lists the newest tasks.
    ---"
  `);
  const deploy: Usage = {
    ...{ verb: 'deploy', form: 'deploy on:TARGETS app=… ', summary: '部署一个应用。' },
    options: [
      { name: 'app', summary: 'Name of the application.', required: true },
      { name: 'ref', summary: 'Branch or tag.' },
    ],
  };
  expect(shown(topicToMessage(deploy, 'zh-CN'))).toMatchInlineSnapshot(`
    "(neutral) 帮助：deploy
    部署一个应用。
    带 * 的必须填写。
    --- 
    deploy on:TARGETS app=…
    ---
    --- 选项
    app *  Name of the application.
    ref    Branch or tag.
    ---"
  `);
  expect(unknownTopicToMessage('dance', 'en').title).toBe('There is no help on "dance".');
});

test('actions, as many as one message holds', () => {
  const actions = Array.from({ length: 100 }, (_, at) => ({
    name: `plugin.action-${at}`,
    summary: 'does something worth the words',
  }));
  const { title, text, code } = actionsToMessage(actions, 'en');
  const lines = code?.[0]?.text.split('\n') ?? [];
  expect(title).toBe('100 actions');
  expect(text?.[0]).toBe(`${100 - lines.length} more.`);
  expect(lines[0]).toBe('plugin.action-0   does something worth the words');
  expect(lines.length).toBeGreaterThan(20);
  expect(actionsToMessage([], 'zh-CN').text).toEqual(['没有可显示的内容。']);
});

test('targets with their count, tasks with their age', () => {
  const targets: Target[] = Array.from({ length: 14 }, (_, at) => ({
    ...{ transport: 'local', name: `web-${at}`, pool: 'main', labels: { env: 'prod', zone: 'a' } },
  }));
  const { title, text, table } = targetsToMessage(targets, 'en', 'env=prod');
  expect([title, text]).toEqual(['14 targets for env=prod', ['2 more.']]);
  expect(table?.rows[0]).toEqual(['web-0', 'main', 'env=prod zone=a']);
  expect(targetsToMessage(targets.slice(0, 1), 'en').title).toBe('1 target');
  const { task } = viewOf([runOf(0, 'timed-out')], {});
  expect(shown(tasksToMessage([task], 'zh-CN', acceptedAt + 125_000))).toMatchInlineSnapshot(`
    "(neutral) 最近的任务
    | 任务 | 内容 | 状态 | 受理时间 |
    | 0197f3a2-1c2d | uptime → web-* | 超时 | 2 分钟前 |"
  `);
});

test('who somebody is', () => {
  const actor = { id: '42', name: 'Ann', roles: ['ops'] };
  const known = { actor, tenant: 'acme', principal: { tenant: 'acme', id: 'user:ann' }, language: 'en' as const };
  expect(shown(personToMessage(known))).toMatchInlineSnapshot(`
    "(neutral) Who you are here
    Account = Ann · 42
    Name = user:ann
    Tenant = acme
    Roles = ops
    Language = English"
  `);
  const unknown = personToMessage({ ...known, principal: undefined, language: 'zh-CN' });
  expect([unknown.tone, unknown.fields?.[1]]).toEqual(['warning', { name: '名称', value: '未绑定' }]);
  expect(unknown.text?.[0]).toContain('link <code>');
});

const question: QuestionView = {
  ...{ id: 'q1', kind: 'stale', asker: { id: '42', name: 'Ann' }, language: 'en' },
  command: {
    verb: 'run',
    action: 'shell.run',
    args: { command: 'systemctl restart nginx', env: { LANG: 'C' } },
    on: 'web-*',
  },
  ...{ sentAt: acceptedAt - 2_412_000, askedAt: acceptedAt, expiresAt: acceptedAt + 86_400_000, targets: 30 },
};

test('a stale command, a confirmation and an approval show all that would be run', () => {
  expect(shown(questionToMessage(question))).toMatchInlineSnapshot(`
    "(warning) systemctl restart nginx → web-*
    Sent 40 min ago: run it now?
    I could not take it then, and things may have changed since.
    Action = shell.run
    Targets = web-* · 30 hosts
    Asked by = Ann
    --- 
    systemctl restart nginx
    ---
    --- 
    {
      "env": {
        "LANG": "C"
      }
    }
    ---
    [Run now] primary decide:q1:yes
    [Dismiss] neutral decide:q1:no"
  `);
  expect(shown(questionToMessage({ ...question, kind: 'approve', language: 'zh-CN' }))).toMatchInlineSnapshot(`
    "(warning) systemctl restart nginx → web-*
    需要批准
    如果 1 天内没有决定，就不会运行。
    操作 = shell.run
    目标 = web-* · 30 台主机
    请求者 = Ann
    --- 
    systemctl restart nginx
    ---
    --- 
    {
      "env": {
        "LANG": "C"
      }
    }
    ---
    [批准] primary decide:q1:yes
    [拒绝] danger decide:q1:no"
  `);
  expect(questionToMessage({ ...question, kind: 'confirm' }).text).toEqual(['Run this?']);
  const script = { ...question.command, args: { script: `${'true\n'.repeat(400)}rm -rf /` } };
  const long = questionToMessage({ ...question, kind: 'confirm', command: script });
  expect(long.text).toEqual(['Run this?', 'Not all of it is shown: it goes on for 508 characters.']);
});

test('a decision takes the buttons away and says who', () => {
  const decided = (kind: QuestionView['kind'], option: 'yes' | 'no') => {
    const { tone, text, buttons } = questionToMessage({ ...question, kind, decision: { option, by: 'Bob' } });
    return [tone, text?.join(), buttons];
  };
  expect(decided('approve', 'yes')).toEqual(['success', 'Approved by Bob', undefined]);
  expect(decided('approve', 'no')).toEqual(['neutral', 'Rejected by Bob', undefined]);
  expect(decided('stale', 'yes')).toEqual(['success', 'Run by Bob', undefined]);
  expect(decided('confirm', 'no')).toEqual(['neutral', 'Dismissed by Bob', undefined]);
  const expired = questionToMessage({ ...question, isExpired: true });
  expect([expired.text?.[0], expired.buttons]).toEqual([expect.stringContaining('Nobody decided in time'), undefined]);
});

const disk: Notification = {
  ...{
    id: 'n1',
    tenant: 'acme',
    at: acceptedAt,
    severity: 'critical',
    title: 'A disk is full',
    text: '/var has 1 % left',
  },
  fields: [{ name: 'host', value: 'web-1' }],
  links: [
    { title: 'Runbook', url: 'https://x.example/r' },
    { title: 'Console', url: 'ssh://web-1' },
  ],
  actions: [
    ...([
      { id: 'a', title: 'Acknowledge', kind: 'acknowledge' },
      { id: 's', title: 'Silence 1 h', kind: 'silence' },
    ] as const),
    { id: 'clean', title: 'Run the remedy', kind: 'run' },
  ],
  labels: { target: 'web-1' },
};

function batchOf(items: readonly NotificationItem[], kind: NotificationBatch['kind'] = 'now'): NotificationBatch {
  return { id: 'b', tenant: 'acme', channel: 'ops', at: acceptedAt, kind, severity: 'critical', items };
}

test('a notification with its buttons, in the language of the channel', () => {
  expect(shown(notificationToMessage(batchOf([{ notification: disk, repeats: 3 }]), 'en'))).toMatchInlineSnapshot(`
    "(failure) Critical: A disk is full
    The same came 3 times more.
    /var has 1 % left
    Console: ssh://web-1
    host = web-1
    Runbook -> https://x.example/r
    [Acknowledge] primary ack:n1
    [Silence 1 h] neutral silence:n1
    [Run the remedy] danger remedy:n1:clean
    _2026-07-01 08:00 UTC · target=web-1_"
  `);
  expect(shown(notificationToMessage(batchOf([{ notification: disk, repeats: 0 }]), 'zh-CN'))).toMatchInlineSnapshot(`
    "(failure) 严重：A disk is full
    /var has 1 % left
    Console：ssh://web-1
    host = web-1
    Runbook -> https://x.example/r
    [确认] primary ack:n1
    [Silence 1 h] neutral silence:n1
    [执行修复] danger remedy:n1:clean
    _2026-07-01 08:00 UTC · target=web-1_"
  `);
});

test('several are a list, and each has its buttons', () => {
  const other: Notification = { ...disk, id: 'n2', severity: 'info', title: 'All is well', actions: [] };
  const items = [
    { notification: disk, repeats: 1 },
    { notification: other, repeats: 0 },
  ];
  expect(shown(notificationToMessage(batchOf(items, 'digest'), 'en'))).toMatchInlineSnapshot(`
    "(failure) Critical: While it was quiet: 2 messages
    | # | Severity | What | When |
    | 1 | Critical | A disk is full (×2) | 2026-07-01 08:00 UTC |
    | 2 | Info | All is well | 2026-07-01 08:00 UTC |
    [1: Acknowledge] primary ack:n1
    [1: Silence 1 h] neutral silence:n1
    [1: Run the remedy] danger remedy:n1:clean"
  `);
  const many = notificationToMessage(
    batchOf(Array.from({ length: 20 }, () => ({ notification: disk, repeats: 0 }))),
    'en',
  );
  expect([many.table?.rows.length, many.text]).toEqual([12, ['8 more not shown.']]);
});

test('ids that are long, or would be read as two, stand hashed in the id of a button', () => {
  const long = { ...disk, id: 'x'.repeat(300), actions: [{ id: 'a:b', title: 'Go', kind: 'run' as const }] };
  const [button] = notificationToMessage(batchOf([{ notification: long, repeats: 0 }]), 'en').buttons ?? [];
  expect(button?.id).toBe(`remedy:${buttonKey(long.id)}:${buttonKey('a:b')}`);
  expect(button?.id.split(':')).toHaveLength(3);
  expect(button?.id.length).toBeLessThanOrEqual(100);
  expect(buttonKey('n1')).toBe('n1');
  expect(buttonKey('x'.repeat(46))).not.toBe(buttonKey('x'.repeat(47)));
});

const nasty = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 2_500 }),
  fc.lorem({ maxCount: 300 }),
  fc.constant('😀'.repeat(900)),
);
const language = fc.constantFrom('en' as const, 'zh-CN' as const);

test('whatever is put into them, all messages keep their promises', () => {
  const some = fc.tuple(nasty, nasty, nasty, nasty, language, fc.nat(3_000));
  fc.assert(
    fc.property(some, ([a, b, c, d, language, position]) => {
      const error = new MoltError('MOLT_BAD_SELECTOR', a, {
        details: { position },
        places: [
          { path: b, message: c },
          { path: c, message: d },
        ],
      });
      const usage: Usage = { verb: a, form: b, summary: c, options: [{ name: d, summary: a, required: true }] };
      const { task } = viewOf([runOf(0, 'failed')], {}, { task: { action: a, on: b } });
      const target: Target = { transport: 'local', name: a, pool: b, labels: { [c]: d } };
      const command = { verb: 'run', action: a, args: { command: b, [c]: d }, on: c } as const;
      const notification: Notification = {
        ...{ id: a, tenant: b, at: 0, severity: 'error', title: c, text: d, labels: { [a]: b } },
        fields: Array.from({ length: 30 }, () => ({ name: a, value: b })),
        links: [
          { title: c, url: 'https://x.example' },
          { title: d, url: a },
        ],
        actions: [
          { id: b, title: c, kind: 'run' },
          { id: b, title: d, kind: 'silence' },
        ],
      };
      const messages = [
        ...[errorToMessage(error, language, b), helpToMessage([usage], language), topicToMessage(usage, language)],
        ...[
          unknownTopicToMessage(a, language),
          actionsToMessage([{ name: a, summary: b }], language),
          sentenceToMessage(a),
        ],
        ...[targetsToMessage([target], language, c), tasksToMessage([task], language, 0)],
        personToMessage({ actor: { id: a, name: b, roles: [c] }, tenant: d, principal: undefined, language }),
        questionToMessage({ ...question, command, asker: { id: a, name: b }, language }),
        notificationToMessage(batchOf([{ notification, repeats: 2 }]), language),
        notificationToMessage(
          batchOf([
            { notification, repeats: 2 },
            { notification, repeats: 0 },
          ]),
          language,
        ),
      ];
      for (const message of messages) expectPromises(message);
    }),
    { numRuns: 60 },
  );
});
