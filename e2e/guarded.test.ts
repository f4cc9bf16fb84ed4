import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, type Installation, type RunView, startDistributed, type TaskView } from '@moltbot/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTargets, type TestTargets } from './targets.ts';

const directory = mkdtempSync(join(tmpdir(), 'moltbot-guarded-'));
let targets: TestTargets;
let moltbot: Installation;

beforeAll(async () => {
  targets = await startTargets(directory);
  chmodSync(directory, 0o777);
  // A heartbeat of 10 s, sooner: what a frozen executor holds comes back when two of them are missed.
  const brokerSettings = ['application:set_env(rabbit, heartbeat, 4)'];
  moltbot = await startDistributed({ config: config(), executors: 1, brokerSettings });
});

afterAll(async () => {
  await moltbot?.stop();
  await targets?.stop();
  rmSync(directory, { recursive: true, force: true });
});

const config = (more: object = {}): Record<string, unknown> => ({
  ...targets.config,
  shutdown: { grace: '2s', force: '2s' },
  limits: { requests: { perSecond: 2_000, burst: 2_000 } },
  ...more,
});

/** A file on the hosts to which commands add lines. */
function journal(name: string): { readonly path: string; lines(): string[] } {
  const path = join(directory, name);
  writeFileSync(path, '');
  chmodSync(path, 0o666);
  return { path, lines: () => readFileSync(path, 'utf8').split('\n').filter(Boolean) };
}

const start = async (command: string, more: object = {}): Promise<string> => {
  const { status, body } = await moltbot.api.post('/v1/tasks', {
    ...{ action: 'shell.run', args: { command }, on: 'web-1' },
    ...more,
  });
  if (status !== 202) throw new Error(`expected 202, got ${status}: ${JSON.stringify(body)}`);
  return body.id;
};

const read = async (id: string): Promise<TaskView> => (await moltbot.api.get(`/v1/tasks/${id}`)).body;

const firstRun = async (id: string): Promise<RunView> => {
  const [run] = (await read(id)).runs;
  if (!run) throw new Error('the task has no run');
  return run;
};

const ended = (id: string, withinMs = 30_000): Promise<TaskView> =>
  eventually(
    `the end of ${id}`,
    async () => {
      const task = await read(id);
      return !['queued', 'running'].includes(task.state) && task;
    },
    { withinMs, everyMs: 50 },
  );

const output = async (id: string): Promise<string> => (await firstRun(id)).stdout ?? '';

/** Processes whose command line holds the word. */
const processesOf = (word: string): string[] =>
  execFileSync('ps', ['-eo', 'stat=,args='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(word) && !line.startsWith('Z'));

const numbered = (count: number): string => Array.from({ length: count }, (_, n) => `line ${n + 1}\n`).join('');
const counting = (count: number, file: string): string =>
  `echo ran >> ${file}; i=0; while [ $i -lt ${count} ]; do i=$((i+1)); echo line $i; sleep 1; done; exit 7`;

/** The tests of the first group hurt the same executors. */
const inTurn = { concurrent: false, timeout: 90_000 };

// The two groups have an installation each, and mostly wait.
describe.concurrent('an executor that ends, one way or another:', () => {
  test(
    'an executor killed at second 3 of 20: another attaches within 15 s, one run, all of its output',
    inTurn,
    async () => {
      const file = journal('take-over');
      const id = await start(counting(20, file.path));
      await eventually('three lines', async () => (await output(id)).includes('line 3\n'));
      await moltbot.restartExecutor(1);
      const before = (await output(id)).length;
      await moltbot.executors()[0]?.kill('SIGKILL');
      const killedAt = performance.now();
      await eventually('output of the next executor', async () => (await output(id)).length > before + 8, {
        withinMs: 20_000,
      });
      expect(performance.now() - killedAt).toBeLessThan(15_000);
      const task = await ended(id);
      expect(task.runs[0]).toMatchObject({ state: 'failed', exitCode: 7, stdout: numbered(20), attempts: 1 });
      expect(file.lines()).toEqual(['ran']);
      await moltbot.restartExecutor(0);
    },
  );

  test('an executor that is told to stop hands its command over and exits; the next one attaches', inTurn, async () => {
    const file = journal('hand-over');
    await moltbot.executors()[1]?.kill('SIGTERM');
    const id = await start(counting(12, file.path));
    await eventually('two lines', async () => (await output(id)).includes('line 2\n'));
    const begin = performance.now();
    await moltbot.executors()[0]?.kill('SIGTERM');
    expect(performance.now() - begin).toBeLessThan(6_000);
    await Promise.all([moltbot.restartExecutor(0), moltbot.restartExecutor(1)]);
    const task = await ended(id);
    expect(task.runs[0]).toMatchObject({ state: 'failed', exitCode: 7, stdout: numbered(12), attempts: 1 });
    expect(file.lines()).toEqual(['ran']);
  });

  test(
    'cancel of three levels with nohup and a child that ignores TERM: gone within 5 s and the grace',
    inTurn,
    async () => {
      const word = `tree-${process.pid}`;
      const stubborn = `trap "" TERM; while :; do sleep 0.2; : ${word}; done`;
      const command = `nohup sh -c 'sh -c "${stubborn.replaceAll('"', '\\"')}" & sleep 60; : ${word}' >/dev/null 2>&1 & sleep 60; : ${word}`;
      const id = await start(command);
      await eventually('the whole tree', () => processesOf(word).length >= 3);
      const begin = performance.now();
      await moltbot.api.post(`/v1/tasks/${id}/cancel`, {});
      const task = await ended(id);
      expect(performance.now() - begin).toBeLessThan(7_000);
      expect(task.runs[0]).toMatchObject({ state: 'cancelled', error: { message: expect.stringContaining('gone') } });
      expect(processesOf(word)).toEqual([]);
    },
  );

  test('a frozen executor, a cancel, and a thaw: nothing runs and nothing is written', inTurn, async () => {
    const file = journal('frozen');
    await moltbot.executors()[1]?.kill('SIGTERM');
    const id = await start(`while :; do echo alive | tee -a ${file.path}; sleep 0.2; done`);
    await eventually('it runs', () => file.lines().length > 2);
    await moltbot.executors()[0]?.kill('SIGSTOP');
    await moltbot.restartExecutor(1);
    await moltbot.api.post(`/v1/tasks/${id}/cancel`, {});
    const task = await ended(id, 60_000);
    expect(task.state).toBe('cancelled');
    const [written, shown] = [file.lines().length, (await firstRun(id)).stdoutBytes];
    await moltbot.executors()[0]?.kill('SIGCONT');
    // The thawed one is back at work, and has had its say about the run, when it does another task.
    await moltbot.executors()[1]?.kill('SIGTERM');
    await moltbot.api.shell('true', 'web-2');
    expect(file.lines()).toHaveLength(written);
    expect(await firstRun(id)).toMatchObject({ state: 'cancelled', stdoutBytes: shown });
  });
});

describe.concurrent('a broker that takes back what is held for long:', () => {
  test('a command that outlasts the consumer time-out of the broker many times over', async () => {
    const file = journal('long');
    const impatient = await startDistributed({
      config: config({ executor: { watchAfter: '2s' } }),
      executors: 1,
      // A delivery that is held for longer than 4 s is taken away, and its channel closed: the 30 minutes of a broker's default, sooner.
      brokerSettings: [
        'application:set_env(rabbit, consumer_timeout, 4000)',
        'application:set_env(rabbit, channel_tick_interval, 500)',
      ],
    });
    try {
      const task = await impatient.api.shell(counting(16, file.path), 'web-1');
      expect(task.runs[0]).toMatchObject({ state: 'failed', exitCode: 7, stdout: numbered(16), attempts: 1 });
      expect(file.lines()).toEqual(['ran']);
      expect(impatient.executors()[0]?.log()).not.toContain('PRECONDITION_FAILED');
    } finally {
      await impatient.stop();
    }
    // It starts a whole installation of its own.
  }, 120_000);
});
