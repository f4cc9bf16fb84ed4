import type { RunRecord, RunState } from '@moltbot/shared';
import { expect, test } from 'vitest';
import { detailsToMessages } from '../src/render/details-to-messages.ts';
import { isOutputCut, taskToMessage } from '../src/render/task-to-message.ts';
import { acceptedAt, runOf, shown, taskId, viewOf } from './render-lab.ts';

const thirty = (): {
  readonly runs: readonly RunRecord[];
  readonly tails: Record<number, { stdout: string; stderr?: string }>;
} => {
  const failed = { exitCode: 1, out: 'disk full\n' };
  return {
    runs: Array.from({ length: 30 }, (_, at) =>
      at === 7 || at === 20
        ? runOf(at, 'failed', failed)
        : at === 9
          ? runOf(at, 'timed-out')
          : runOf(at, 'succeeded', { exitCode: 0 }),
    ),
    tails: { 7: { stdout: 'disk full\n' }, 20: { stdout: 'disk full\n' } },
  };
};

test('one run that succeeded', () => {
  const out = ' 08:00:00 up 3 days\n';
  const view = viewOf([runOf(0, 'succeeded', { exitCode: 0, out })], { 0: { stdout: out } });
  expect(shown(taskToMessage(view))).toMatchInlineSnapshot(`
    "(success) uptime → web-*
    web-1 · succeeded · exit code 0 · 3.2 s
    --- 
     08:00:00 up 3 days
    ---
    [Rerun] neutral rerun:ID
    [Details] neutral details:ID
    _Task 0197f3a2-1c2d-7abc-8def-0123456789ab_"
  `);
  expect(shown(taskToMessage({ ...view, language: 'zh-CN' }))).toMatchInlineSnapshot(`
    "(success) uptime → web-*
    web-1 · 成功 · 退出码 0 · 3.2 秒
    --- 
     08:00:00 up 3 days
    ---
    [重新运行] neutral rerun:ID
    [详情] neutral details:ID
    _任务 0197f3a2-1c2d-7abc-8def-0123456789ab_"
  `);
});

test('one run that failed with both streams, in its second attempt', () => {
  const run = runOf(0, 'failed', {
    exitCode: 2,
    attempts: 2,
    stdoutBytes: 5,
    stderrBytes: 21,
    finishedAt: acceptedAt + 80_000,
  });
  const view = viewOf([run], { 0: { stdout: 'begun', stderr: '\u001b[31mno space\u001b[0m left\n' } });
  expect(shown(taskToMessage(view)).replaceAll('\u001b', '^')).toMatchInlineSnapshot(`
    "(failure) uptime → web-*
    web-1 · failed · exit code 2 · 1 min 20 s · attempt 2
    --- stdout
    begun
    ---
    --- stderr
    ^[31mno space^[0m left
    ---
    [Rerun] neutral rerun:ID
    [Details] neutral details:ID
    _Task 0197f3a2-1c2d-7abc-8def-0123456789ab_"
  `);
  const noAnsi = taskToMessage({ ...view, limits: { tailCharacters: 300, hasAnsi: false } });
  expect(noAnsi.code).toEqual([
    { label: 'stdout', text: 'begun' },
    { label: 'stderr', text: 'no space left' },
  ]);
});

test('one run with an error: what, why and what to do, as exactly as the error says it', () => {
  const error = {
    code: 'MOLT_SSH_UNREACHABLE',
    message: 'connect to 10.0.0.1:22 refused',
    remedy: 'Check that the host is up and the port open.',
  } as const;
  const run = runOf(0, 'failed', { error, startedAt: undefined });
  expect(shown(taskToMessage(viewOf([run], {}, { language: 'zh-CN' })))).toMatchInlineSnapshot(`
    "(failure) uptime → web-*
    web-1 · 失败
    无法连接目标：原文：connect to 10.0.0.1:22 refused（MOLT_SSH_UNREACHABLE）
    请确认主机在线且端口开放。
    [重新运行] neutral rerun:ID
    [详情] neutral details:ID
    _任务 0197f3a2-1c2d-7abc-8def-0123456789ab_"
  `);
  const exact = { ...run, error: { ...error, remedy: 'Open port 22 on web-1.' } };
  expect(taskToMessage(viewOf([exact], {})).text).toEqual([
    'web-1 · failed',
    'The target cannot be reached: connect to 10.0.0.1:22 refused (MOLT_SSH_UNREACHABLE)',
    'Open port 22 on web-1.',
  ]);
});

test('a long output is shown by its last lines, and its file is spoken of', () => {
  const lines = Array.from({ length: 500 }, (_, at) => `line ${at}`).join('\n');
  const done = viewOf([runOf(0, 'succeeded', { exitCode: 0, out: lines })], { 0: { stdout: lines } });
  const message = taskToMessage(done);
  expect(message.code?.[0]?.text).toMatch(/^line \d+\n[\s\S]*\nline 499$/);
  expect(message.code?.[0]?.text.length).toBeLessThanOrEqual(300);
  expect(message.text).toContain('Full output in the file.');
  expect(isOutputCut(done)).toBe(true);
  const running = viewOf([runOf(0, 'running', { out: lines })], { 0: { stdout: lines } });
  expect(taskToMessage(running).text).toContain('The last lines; the full output comes as a file.');
  // What was fetched is all shown, but it was not all that there is.
  const fetched = viewOf([runOf(0, 'succeeded', { out: lines })], {
    0: { stdout: 'e 498\nline 499', total: lines.length },
  });
  expect(taskToMessage(fetched).code).toEqual([{ text: 'line 499' }]);
  expect(isOutputCut(fetched)).toBe(true);
});

test('stderr keeps its half beside a stdout that would fill all', () => {
  const [stdout, stderr] = ['o'.repeat(1_000), 'e'.repeat(1_000)];
  const run = runOf(0, 'failed', { exitCode: 1, stdoutBytes: 1_000, stderrBytes: 1_000 });
  const lengths = (tail: { stdout: string; stderr: string }) =>
    taskToMessage(viewOf([run], { 0: tail })).code?.map(({ text }) => text.length);
  expect(lengths({ stdout, stderr })).toEqual([150, 150]);
  expect(lengths({ stdout, stderr: 'short' })).toEqual([295, 5]);
  expect(lengths({ stdout: 'short', stderr })).toEqual([5, 295]);
});

test('without output the data is shown, and without both that is said', () => {
  const message = (run: RunRecord) => taskToMessage(viewOf([run], {}));
  expect(message(runOf(0, 'succeeded', { data: { load: 0.5 } })).code).toEqual([
    { label: 'data', text: '{\n  "load": 0.5\n}' },
  ]);
  expect(message(runOf(0, 'succeeded', { data: 'all is well' })).code?.[0]?.text).toBe('all is well');
  expect(message(runOf(0, 'succeeded')).text).toContain('No output.');
  expect(message(runOf(0, 'cancelled', { startedAt: undefined })).text).toEqual(['web-1 · cancelled']);
});

test('what waits, runs and is being cancelled', () => {
  const message = (state: RunState, rest: Partial<RunRecord> = {}, cancelRequested = false) => {
    const { tone, text, buttons } = taskToMessage(
      viewOf([runOf(0, state, { target: 'web-*', ...rest })], {}, { cancelRequested }),
    );
    return [tone, ...(text ?? []), ...(buttons ?? []).map(({ id }) => id.split(':')[0])];
  };
  expect(message('held')).toEqual([
    'warning',
    'waiting for approval',
    'It starts when somebody who may has approved it.',
    'cancel',
  ]);
  expect(message('queued')).toEqual(['working', 'queued', 'cancel']);
  expect(message('queued', { retryAt: acceptedAt })).toEqual(['working', 'queued · attempt 2 follows', 'cancel']);
  expect(message('claimed')).toEqual(['working', 'starting', 'cancel']);
  expect(message('running')).toEqual(['working', 'running for 1 min', 'cancel']);
  expect(message('running', { startedAt: acceptedAt + 55_000, attempts: 2 })).toEqual([
    'working',
    'running · attempt 2',
    'cancel',
  ]);
  expect(message('running', {}, true)).toEqual(['warning', 'cancelling · running for 1 min', undefined].slice(0, 2));
});

test('what is unknown is explained until a person has settled it', () => {
  const error = {
    code: 'MOLT_RUN_LOST',
    message: 'the worker died',
    remedy: 'Look at the target; Moltbot does not start it again.',
  } as const;
  const view = viewOf([runOf(0, 'unknown', { error })], {});
  expect(shown(taskToMessage(view))).toMatchInlineSnapshot(`
    "(warning) uptime → web-*
    web-1 · unknown · 3.2 s
    The run had started and its end cannot be learned: the worker died (MOLT_RUN_LOST)
    A person has to look at the host, then say what became of it: moltbot task resolve 0197f3a2-1c2d-7abc-8def-0123456789ab.0 --done, or --rerun.
    [Rerun] neutral rerun:ID
    [Details] neutral details:ID
    _Task 0197f3a2-1c2d-7abc-8def-0123456789ab_"
  `);
  const resolution = { as: 'done', by: 'user:ann', at: 1, note: 'it was through' } as const;
  const settled = viewOf([runOf(0, 'unknown', { error, resolution })], {});
  expect(taskToMessage(settled).text).toContain('Settled by user:ann: nothing more is to be done.');
  expect(taskToMessage(settled).text?.join()).not.toContain('moltbot task resolve');
});

test('thirty hosts while they run, and when they have ended', () => {
  const { runs, tails } = thirty();
  const running = runs.map((run) => (run.index < 18 ? run : { ...run, state: 'running' as const }));
  expect(shown(taskToMessage(viewOf(running, tails)))).toMatchInlineSnapshot(`
    "(working) uptime → web-*
    ██████░░░░ 18/30
    1 failed · 1 timed out · 12 running · 16 succeeded
    | Hosts | Result | Output |
    | web-8 | failed, exit code 1 | disk full |
    | web-10 | timed out |  |
    | 12 hosts: web-19, web-20, web-21, +9 | running |  |
    | 16 hosts: web-1, web-2, web-3, +13 | succeeded |  |
    --- web-8: failed, exit code 1
    disk full
    ---
    [Cancel] danger cancel:ID
    _Task 0197f3a2-1c2d-7abc-8def-0123456789ab_"
  `);
  expect(shown(taskToMessage(viewOf(runs, tails)))).toMatchInlineSnapshot(`
    "(failure) uptime → web-*
    ██████████ 30/30
    2 failed · 1 timed out · 27 succeeded
    | Hosts | Result | Output |
    | 2 hosts: web-8, web-21 | failed, exit code 1 | disk full |
    | web-10 | timed out |  |
    | 27 hosts: web-1, web-2, web-3, +24 | succeeded |  |
    --- 2 hosts: web-8, web-21: failed, exit code 1
    disk full
    ---
    [Rerun] neutral rerun:ID
    [Rerun failed] primary rerun-failed:ID
    [Details] neutral details:ID
    _Task 0197f3a2-1c2d-7abc-8def-0123456789ab_"
  `);
  expect(shown(taskToMessage(viewOf(runs, tails, { language: 'zh-CN' })))).toMatchInlineSnapshot(`
    "(failure) uptime → web-*
    ██████████ 30/30
    失败 2 · 超时 1 · 成功 27
    | 主机 | 结果 | 输出 |
    | 2 台主机：web-8、web-21 | 失败，退出码 1 | disk full |
    | web-10 | 超时 |  |
    | 27 台主机：web-1、web-2、web-3 等 | 成功 |  |
    --- 2 台主机：web-8、web-21：失败，退出码 1
    disk full
    ---
    [重新运行] neutral rerun:ID
    [重跑失败项] primary rerun-failed:ID
    [详情] neutral details:ID
    _任务 0197f3a2-1c2d-7abc-8def-0123456789ab_"
  `);
});

test('hosts that say different things have a row each; the rest is counted', () => {
  const runs = Array.from({ length: 40 }, (_, at) =>
    runOf(at, at < 3 ? 'failed' : 'succeeded', { out: `load ${at}`, exitCode: at < 3 ? 1 : 0 }),
  );
  const tails = Object.fromEntries(runs.map(({ index }) => [index, { stdout: `load ${index}` }]));
  const { table, code } = taskToMessage(viewOf(runs, tails));
  expect(table?.rows).toHaveLength(12);
  expect(table?.rows[0]).toEqual(['web-1', 'failed, exit code 1', 'load 0']);
  expect(table?.rows.at(-1)).toEqual(['29 hosts more', '29 succeeded', '']);
  expect(code?.[0]?.label).toBe('web-1: failed, exit code 1');
});

test('the largest group that failed is the one whose output is shown', () => {
  const fails = (at: number, out: string) => runOf(at, 'failed', { exitCode: 1, out });
  const runs = [fails(0, 'rare'), fails(1, 'common'), fails(2, 'common'), runOf(3, 'succeeded', { out: 'long\nlong' })];
  const tails = {
    0: { stdout: 'rare' },
    1: { stdout: 'common' },
    2: { stdout: 'common' },
    3: { stdout: 'long\nlong' },
  };
  const { code, text } = taskToMessage(viewOf(runs, tails));
  expect(code).toEqual([{ label: '2 hosts: web-2, web-3: failed, exit code 1', text: 'common' }]);
  expect(text).toContain('Full output in the file.');
  // All is told by the rows.
  const well = viewOf([runOf(0, 'succeeded', { out: 'a' }), runOf(1, 'succeeded', { out: 'a' })], {
    0: { stdout: 'a' },
    1: { stdout: 'a' },
  });
  expect(taskToMessage(well).code).toBeUndefined();
  expect(isOutputCut(well)).toBe(false);
});

test('runs that could not be read are counted, and no file is promised when none could', () => {
  const one = viewOf([runOf(0, 'succeeded')], {}, { task: { runs: 5_000 }, counts: { succeeded: 4_990, failed: 10 } });
  expect(taskToMessage(one).text).toEqual([
    '██████████ 5000/5000',
    '10 failed · 4990 succeeded',
    '4999 runs not listed here.',
    'Full output in the file.',
  ]);
  const none = viewOf([], {}, { task: { runs: 5_000 }, counts: { succeeded: 5_000 } });
  expect(isOutputCut(none)).toBe(false);
  expect(taskToMessage(none).table).toBeUndefined();
});

test.each<[string, Partial<Record<RunState, number>>, readonly string[]]>([
  ['all well', { succeeded: 2 }, ['rerun', 'details']],
  ['some failed', { succeeded: 1, failed: 1 }, ['rerun', 'rerun-failed', 'details']],
  ['all failed', { failed: 1, 'timed-out': 1 }, ['rerun', 'details']],
  ['unknown is not failed', { succeeded: 1, unknown: 1 }, ['rerun', 'details']],
  ['cancelled is not failed', { cancelled: 1, expired: 1 }, ['rerun', 'rerun-failed', 'details']],
  ['running', { running: 1, failed: 1 }, ['cancel']],
])('buttons: %s', (_name, counts, verbs) => {
  const states = Object.entries(counts).flatMap(([state, count]) =>
    Array.from({ length: count }, () => state as RunState),
  );
  const { buttons = [] } = taskToMessage(
    viewOf(
      states.map((state, at) => runOf(at, state)),
      {},
    ),
  );
  expect(buttons.map(({ id }) => id)).toEqual(verbs.map((verb) => `${verb}:${taskId}`));
});

test('titles: the first line of a command, or the action', () => {
  const title = (task: Parameters<typeof viewOf>[2]) => taskToMessage(viewOf([runOf(0, 'queued')], {}, task)).title;
  expect(title({ task: { args: { script: '\n#!/bin/sh\necho hi\n' } } })).toBe('#!/bin/sh … → web-*');
  expect(title({ task: { action: 'system.status', args: {} } })).toBe('system.status → web-*');
  expect(title({ task: { args: { command: `echo ${'x'.repeat(500)}` }, on: 'y'.repeat(500) } })).toMatch(
    /^echo x+… → y+…$/,
  );
  expect(title({ task: { args: { command: 'echo \u001b[31m\u202ehi\tthere' } } })).toBe('echo \ufffdhi there → web-*');
});

test('a message that is not to change does not, and one of a run changes every ten seconds at most', () => {
  const { runs, tails } = thirty();
  const ended = viewOf(runs, tails);
  expect(taskToMessage({ ...ended, now: acceptedAt + 9e9 })).toEqual(taskToMessage(ended));
  const running = viewOf([runOf(0, 'running')], {});
  const looks = Array.from({ length: 40 }, (_, second) =>
    JSON.stringify(taskToMessage({ ...running, now: acceptedAt + second * 1_000 })),
  );
  expect(new Set(looks).size).toBe(4);
});

test('details: a row a run, failures first, five pages of twelve and how many more', () => {
  const runs = Array.from({ length: 80 }, (_, at) =>
    runOf(at, at === 50 ? 'failed' : 'succeeded', { exitCode: at === 50 ? 3 : 0 }),
  );
  const { task } = viewOf(runs, {});
  const messages = detailsToMessages({ task, runs, language: 'en' });
  expect(messages).toHaveLength(5);
  expect(messages[0]?.table?.rows[0]).toEqual(['web-51', 'failed', '3', '3.2 s']);
  expect(messages.map(({ table }) => table?.rows.length)).toEqual([12, 12, 12, 12, 12]);
  expect(messages[4]?.text).toEqual(['page 5 of 5', '20 more runs not shown.']);
  const few = [runOf(0, 'failed', { signal: 'KILL', attempts: 2 }), runOf(1, 'queued', { startedAt: undefined })];
  expect(
    detailsToMessages({ task: viewOf(few, {}).task, runs: few, language: 'zh-CN' })
      .map(shown)
      .join('\n'),
  ).toMatchInlineSnapshot(`
    "(working) 详情：uptime → web-*
    | 主机 | 状态 | 退出码 | 用时 |
    | web-1 | 失败 · 第 2 次尝试 | KILL | 3.2 秒 |
    | web-2 | 排队中 | – | – |
    _任务 0197f3a2-1c2d-7abc-8def-0123456789ab_"
  `);
  expect(detailsToMessages({ task, runs: [], language: 'en' })).toHaveLength(1);
});
