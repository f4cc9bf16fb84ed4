import { createHash, randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  eventually,
  type Installation,
  residentMib,
  type SseEvent,
  type StartInstallation,
  type TaskView,
} from '@moltbot/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTargets, type TestTargets } from './targets.ts';

/** What every installation does for its user, whatever it is made of. */
export function describeInstallation(name: string, start: StartInstallation): void {
  describe(name, () => {
    const directory = mkdtempSync(join(tmpdir(), 'moltbot-e2e-'));
    let targets: TestTargets;
    let moltbot: Installation;

    beforeAll(async () => {
      targets = await startTargets(directory);
      moltbot = await start({
        config: {
          ...targets.config,
          executor: { outputCap: '128MiB' },
          limits: { requests: { perSecond: 2_000, burst: 2_000 } },
        },
      });
    });

    afterAll(async () => {
      await moltbot?.stop();
      await targets?.stop();
      rmSync(directory, { recursive: true, force: true });
    });

    const shell: Installation['api']['shell'] = (...args) => moltbot.api.shell(...args);
    const onlyRun = ({ runs }: TaskView) => {
      const [run] = runs;
      if (!run || runs.length !== 1) throw new Error(`expected one run, got ${runs.length}`);
      return run;
    };

    test('the post that everything else is held to', async () => {
      const task = await shell('uname -a', 'local', { timeout: '30s' });
      expect(task).toMatchObject({ state: 'succeeded', action: 'shell.run' });
      expect(onlyRun(task)).toMatchObject({
        target: 'local',
        state: 'succeeded',
        exitCode: 0,
        stderr: '',
        attempts: 1,
      });
      expect(onlyRun(task).stdout).toMatch(/^Linux /);
      expect(Date.parse(onlyRun(task).finishedAt ?? '')).toBeGreaterThanOrEqual(
        Date.parse(onlyRun(task).startedAt ?? ''),
      );
    });

    test('without wait it answers 202 with links, and the task is found there', async () => {
      const { status, body } = await moltbot.api.post<{ id: string; state: string; links: Record<string, string> }>(
        '/v1/tasks',
        {
          action: 'shell.run',
          args: { command: 'echo later' },
          on: 'local',
        },
      );
      expect(status).toBe(202);
      expect(body.links['self']).toBe(`/v1/tasks/${body.id}`);
      const ended = await eventually('the task ends', async () => {
        const { body: task } = await moltbot.api.get(body.links['self'] ?? '');
        return task.state === 'succeeded' && task;
      });
      expect(onlyRun(ended).stdout).toBe('later\n');
    });

    test('a command runs on three hosts over SSH, with its two streams apart', async () => {
      const task = await shell('echo out-$(id -un); echo err >&2', 'web-*');
      expect(task.state).toBe('succeeded');
      expect(task.runs.map(({ target }) => target)).toEqual(['web-1', 'web-2', 'web-3']);
      for (const run of task.runs) {
        expect(run).toMatchObject({ exitCode: 0, stdout: `out-${targets.sshds[0]?.user}\n`, stderr: 'err\n' });
      }
    });

    test('arguments of an action reach the command: environment, directory, standard input', async () => {
      const args = { command: 'pwd; cat; printf %s "$WHO"', env: { WHO: "it's me" }, cwd: '/tmp', stdin: 'given\n' };
      const { body } = await moltbot.api.post('/v1/tasks?wait=30s', { action: 'shell.run', args, on: 'local,web-1' });
      for (const run of body.runs) expect(run.stdout).toBe("/tmp\ngiven\nit's me");
    });

    test('output arrives while the command runs, and a reader that comes back misses and repeats nothing', async () => {
      // Goes on when its first line was seen, and would not end before.
      const seenFirst = join(directory, 'seen-first');
      chmodSync(directory, 0o755);
      const command = `echo line-1; until [ -e ${seenFirst} ]; do sleep 0.1; done; for n in 2 3 4 5; do echo line-$n; sleep 0.2; done`;
      const { body } = await moltbot.api.post('/v1/tasks', { action: 'shell.run', args: { command }, on: 'web-1' });
      const events: SseEvent[] = [];
      for await (const event of moltbot.api.events(body.id)) {
        if (event.event === 'output') writeFileSync(seenFirst, '');
        events.push(event);
      }
      expect(textOf(events)).toBe('line-1\nline-2\nline-3\nline-4\nline-5\n');
      const seen = events.findIndex(({ event }) => event === 'output');
      const rest: SseEvent[] = [];
      for await (const event of moltbot.api.events(body.id, { lastEventId: events[seen]?.id ?? '' })) rest.push(event);
      expect(rest).toEqual(events.slice(seen + 1));
    });

    test('a command that fails says how', async () => {
      expect(onlyRun(await shell('echo no >&2; exit 3', 'web-1'))).toMatchObject({
        state: 'failed',
        exitCode: 3,
        stderr: 'no\n',
      });
      expect(onlyRun(await shell('kill -9 $$', 'web-1'))).toMatchObject({ state: 'failed', exitCode: 137 });
      expect((await shell('test "$(id -un)" = root', 'local,web-1')).state).toBe('failed');
    });

    test.each(['local', 'web-1'])(
      'a command that runs too long on %s is ended, and its processes are gone',
      async (on) => {
        const mark = `4${Math.trunc(Math.random() * 1e6)}`;
        const task = await shell(`sleep ${mark} & sleep ${mark}`, on, { timeout: '500ms' });
        expect(task.state).toBe('timed-out');
        expect(onlyRun(task).error).toMatchObject({
          code: 'MOLT_RUN_TIMEOUT',
          message: expect.stringContaining('processes are gone'),
        });
        expect((await shell(`pgrep -f "^sleep ${mark}" || echo none`, 'local')).runs[0]?.stdout).toBe('none\n');
      },
    );

    test('a command that falls silent is ended', async () => {
      const task = await shell('echo one; sleep 30', 'web-1', { idleTimeout: '400ms' });
      expect(onlyRun(task)).toMatchObject({ state: 'timed-out', stdout: 'one\n', error: { code: 'MOLT_RUN_IDLE' } });
    });

    test.each([
      ['no-such-host', 'MOLT_SSH_UNKNOWN_HOST'],
      ['refused-key', 'MOLT_SSH_REFUSED_KEY'],
      ['unreachable', 'MOLT_SSH_UNREACHABLE'],
      ['changed-key', 'MOLT_SSH_HOST_KEY_CHANGED'],
      ['unknown-key', 'MOLT_SSH_HOST_KEY_UNKNOWN'],
    ])('a host out of reach (%s) ends the run with its reason and remedy', async (on, code) => {
      const run = onlyRun(await shell('true', on));
      expect(run).toMatchObject({ state: 'failed', error: { code } });
      expect(run.error?.remedy.length).toBeGreaterThan(10);
      expect(run.startedAt).toBeUndefined();
    });

    test('50 MB of output arrive whole, and the executors do not swell', async () => {
      const before = moltbot.executors().map(({ pid }) => residentMib(pid));
      const peaks = [...before];
      const watch = setInterval(() => {
        for (const [index, { pid }] of moltbot.executors().entries())
          peaks[index] = Math.max(peaks[index] ?? 0, residentMib(pid));
      }, 50);
      const task = await shell('yes 0123456789abcde | head -c 52428800', 'web-1');
      clearInterval(watch);
      expect(onlyRun(task)).toMatchObject({ state: 'succeeded', stdoutBytes: 52_428_800 });
      const response = await moltbot.api.raw(`/v1/tasks/${task.id}/output`);
      const expected = createHash('sha256').update('0123456789abcde\n'.repeat(3_276_800)).digest('hex');
      expect(
        createHash('sha256')
          .update(Buffer.from(await response.arrayBuffer()))
          .digest('hex'),
      ).toBe(expected);
      const part = await moltbot.api.raw(`/v1/tasks/${task.id}/output`, { headers: { range: 'bytes=52428768-' } });
      expect([part.status, part.headers.get('content-range')]).toEqual([206, 'bytes 52428768-52428799/52428800']);
      expect(await part.text()).toBe('0123456789abcde\n'.repeat(2));
      for (const [index, peak] of peaks.entries())
        expect(peak - (before[index] ?? 0), `executor ${index}`).toBeLessThan(60);
    });

    test('200 tasks at once all end well, each with its own output', async () => {
      const tasks = await Promise.all(
        Array.from({ length: 200 }, (_, n) => shell(`echo task-${n}`, `web-${(n % 3) + 1}`)),
      );
      expect(tasks.map((task) => onlyRun(task).stdout)).toEqual(tasks.map((_, n) => `task-${n}\n`));
    });

    test.each(['local', 'web-1'])('a running task on %s is cancelled, and its processes are gone', async (on) => {
      const mark = `5${Math.trunc(Math.random() * 1e6)}`;
      const command = `trap "" TERM; echo begun; sleep ${mark} & sleep ${mark}; sleep ${mark}`;
      const { body } = await moltbot.api.post('/v1/tasks', { action: 'shell.run', args: { command }, on });
      await eventually(
        'the command runs',
        async () => (await moltbot.api.get(`/v1/tasks/${body.id}`)).body.runs[0]?.stdout === 'begun\n',
      );
      expect((await moltbot.api.post(`/v1/tasks/${body.id}/cancel`, {})).status).toBe(202);
      const ended = await eventually('the task is cancelled', async () => {
        const { body: task } = await moltbot.api.get(`/v1/tasks/${body.id}`);
        return task.state === 'cancelled' && task;
      });
      expect(onlyRun(ended).error?.message).toContain('processes are gone');
      expect((await shell(`pgrep -f "^sleep ${mark}" || echo none`, 'local')).runs[0]?.stdout).toBe('none\n');
      expect((await moltbot.api.post(`/v1/tasks/${body.id}/cancel`, {})).status).toBe(409);
    });

    test('the same Idempotency-Key gives the same task, and another body under it is refused', async () => {
      const key = { 'idempotency-key': randomUUID() };
      const request = { action: 'shell.run', args: { command: 'echo once' }, on: 'local' };
      const answers = await Promise.all([1, 2, 3].map(() => moltbot.api.post('/v1/tasks?wait=10s', request, key)));
      expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
      const other = await moltbot.api.post<Record<string, unknown>>('/v1/tasks', { ...request, on: 'web-1' }, key);
      expect([other.status, other.body['code']]).toEqual([409, 'MOLT_IDEMPOTENCY_CONFLICT']);
    });

    test('tasks are listed newest first and by state', async () => {
      const failed = await shell('exit 1', 'local');
      const { body } = await moltbot.api.get<{ tasks: TaskView[] }>('/v1/tasks?state=failed&limit=1');
      expect(body.tasks.map(({ id }) => id)).toEqual([failed.id]);
    });
  });
}

const textOf = (events: readonly SseEvent[]): string =>
  events.flatMap(({ event, data }) => (event === 'output' ? [String(data['text'])] : [])).join('');
