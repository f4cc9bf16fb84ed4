import { type ErrorCode, MoltError } from '@moltbot/shared';
import { expect, test } from 'vitest';
import { errorToMessage } from '../src/render/error-to-message.ts';
import { chineseOr, chineseSentence } from '../src/texts/chinese-sentences.ts';
import { openChatLab, saidBy, until } from './chat-lab.ts';

const told = (code: ErrorCode, message: string, options: ConstructorParameters<typeof MoltError>[2] = {}) =>
  errorToMessage(new MoltError(code, message, options), 'zh-CN').text;

test('what is data stays, what is words is Chinese', () => {
  expect(told('MOLT_UNKNOWN_ACTION', 'there is no action "deply"; did you mean "deploy"?')).toEqual([
    ...['没有操作“deply”；是不是想写“deploy”？', '发送 actions 查看所有操作。'],
  ]);
  expect(told('MOLT_NO_TARGETS', '"env=x" matches no target: no target has env=x; values of "env": a, b')?.[0]).toBe(
    '“env=x”没有匹配任何目标：没有目标符合 env=x；“env”的值有：a, b',
  );
  expect(told('MOLT_BAD_SELECTOR', 'expected a name or a value, found the end\n  web (\n       ^')?.[0]).toBe(
    '这里应为名称或值，实际是结尾\n  web (\n       ^',
  );
  expect(told('MOLT_RUN_TIMEOUT', 'ran longer than 1m30s; its processes are gone; 3 attempts were made')?.[0]).toBe(
    '运行超过 1 分钟 30 秒；它的进程已结束；共尝试 3 次',
  );
  expect(
    told('MOLT_SSH_BREAKER', 'the last tries failed (h:22 did not let us in in time); the next is made in 5s'),
  ).toEqual([...['最近几次尝试失败（h:22 没有及时接受登录）；5 秒后再试', '请等待所示的秒数，之后会自动重试。']]);
});

test('what nobody can translate is marked as the words of another, and its remedy is still Chinese', () => {
  expect(told('MOLT_SSH_UNREACHABLE', 'h:22: connect ECONNREFUSED 10.0.0.1:22')).toEqual([
    ...['原文：h:22: connect ECONNREFUSED 10.0.0.1:22', '请确认主机在线且端口开放。'],
  ]);
  expect(told('MOLT_ACTION_FAILED', 'disk full', { remedy: 'Free some space.' })).toEqual([
    ...['原文：disk full', '消息里说明了原因；带有运行编号的日志里有调用栈。（原文：Free some space.）'],
  ]);
  const places = [
    { path: '/args/top', message: 'Invalid input: expected number, received string' },
    { path: '/args/x', message: 'is not an argument of system.status' },
    { path: '/args/y', message: 'must be a prime' },
  ];
  const all = places.map(({ path, message }) => `${path}: ${message}`);
  expect(told('MOLT_BAD_ARGUMENTS', `the arguments do not fit system.status: ${all.join('; ')}`, { places })).toEqual([
    `参数不符合 system.status 的要求：原文：${all.join('; ')}`,
    '/args/top 应为数字，实际是文字',
    '/args/x 不是 system.status 的参数',
    '/args/y 原文：must be a prime',
    '发送 help 加操作名查看它的参数。',
  ]);
});

test('nothing of a defect is told in Chinese either', () => {
  expect(JSON.stringify(told('MOLT_INTERNAL', 'connect to redis://secret@10.0.0.1 failed'))).not.toContain('secret');
});

// As the sources say them: what is changed there has to be changed in Chinese.
test.each([
  'it may have started, and web-1 has no record of it',
  'not started within 1d of being accepted',
  'told to end (cancelled); its processes may still run',
  'the connection to 10.0.0.1:22 broke while the command ran',
  '10.0.0.1:22 shows the ssh-ed25519 key SHA256:abc, which is not the one on file',
  'the queue takes no more runs (pool default)',
  'too many commands: wait 3 s',
])('%j is known', (sentence) => {
  expect(chineseSentence(sentence)).toMatch(/\p{Script=Han}/u);
  expect(chineseOr(sentence)).not.toContain('原文');
});

test('what a person meets in a chat in Chinese has no English sentence in it', async () => {
  const lab = await openChatLab();
  const one = await lab.instance();
  one.lead();
  await lab.link('ann');
  const mistakes = [
    ...[
      'run on:nobody -- id',
      'run on:"env=x" -- id',
      'run on:"web-1 (" -- id',
      'run on:"" -- id',
      'run on:"!all" -- id',
    ],
    ...['risky.deploy on:web-1 version=1 x=2', 'risky.deplyo on:web-1', 'show 00000000-0000-7000-8000-000000000000'],
    ...['show abc', 'cancel zz', 'rerun abc failed', 'run on:"(((" -- id', 'link abcdefghjk', 'run on:"web-1 ;" -- id'],
    'run on:web-1 timeout:0s -- id',
    'run on:web-1 timeout:9d -- id',
  ];
  for (const mistake of mistakes) {
    const before = lab.said().length;
    await one.handle(saidBy('ann', mistake, { locale: 'zh-CN' }));
    await until(() => lab.said().length > before);
    const text = (lab.said().at(-1)?.message.versions.at(-1)?.text ?? []).join('\n');
    expect([mistake, text]).not.toEqual([mistake, '']);
    expect([mistake, text]).toEqual([mistake, expect.stringMatching(/\p{Script=Han}/u)]);
    expect([mistake, text]).toEqual([mistake, expect.not.stringContaining('原文')]);
    expect(text).not.toMatch(/\b(?:the|is|are|no|there)\b/);
  }
});

test('what others wrote is neither looked up among what every object has nor translated for seconds', () => {
  expect(chineseSentence('expected the end, found constructor')).toBe('这里应为结尾，实际是constructor');
  expect(chineseSentence('Invalid input: expected toString, received constructor')).toBe(
    '应为toString，实际是constructor',
  );
  expect(chineseSentence('told to end (constructor); it had not started')).toBe(
    '已要求结束（constructor）；它尚未开始',
  );
  expect(chineseSentence('cancelled; '.repeat(10_000))).toBeUndefined();
});
