import { randomUUID } from 'node:crypto';
import { readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '@moltbot/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ResidentShell } from '../../src/transports/shell/resident.ts';
import { createShellBench, type ShellBench, type ShellKind } from './shell-support.ts';
import { groupMembers, isAlive } from './support.ts';

/** What is true of guarded and plain commands in every shell. @param command what `/bin/sh -c` starts it by */
export const guardSuite = (name: string, command: string, more: Omit<ShellKind, 'command'> = {}): void => {
  const kind = { command, ...more };
  describe(`a resident ${name}`, () => {
    let bench: ShellBench;
    let shell: ResidentShell;
    beforeAll(async () => {
      bench = await createShellBench(kind);
      shell = await bench.open();
    });
    afterAll(() => bench.stop());
    const run: ShellBench['run'] = (...asked) => bench.run(...asked);
    const leaderOf = (name: string): Promise<number> =>
      eventually('the record', async () => Number((await bench.record(`${name}.go`)).split(' ')[3]) || undefined);

    describe.each(['plain', 'guarded'])('a %s command', (way) => {
      const asked = (extra: Parameters<ShellBench['run']>[1]) =>
        way === 'plain' ? extra : { ...extra, guard: { id: randomUUID(), ...extra.guard } };

      test('gives its status and both streams, byte by byte', async () => {
        const { result, stdout, stderr } = await run(
          shell,
          asked({ command: `printf 'a\\0b\\377'; printf 'e\\r\\n' >&2; exit 7` }),
        );
        expect(result).toEqual({ exitCode: 7 });
        expect(stdout).toEqual(Buffer.from([0x61, 0, 0x62, 0xff]));
        expect(stderr.toString()).toBe('e\r\n');
        expect((await run(shell, asked({ command: 'kill -TERM $$' }))).result).toEqual({ exitCode: 143 });
        expect(shell.isReusable()).toBe(true);
      });

      test('has its environment, directory and input, and nothing of the program', async () => {
        const env = { A: `it's "q" $HOME \`id\` \\`, B: 'two\nlines' };
        const command = 'printf "%s|%s|" "$A" "$B"; pwd; umask; env | grep -c "^M_"; set -- "$@"; cat';
        const stdin = `\0\\n%s\n'${'y'.repeat(100_000)}\u00e9`;
        const { result, stdout, stderr } = await run(shell, asked({ command, env, cwd: '/', stdin }));
        expect(stderr.toString()).toBe('');
        expect(stdout.toString()).toBe(`${env.A}|${env.B}|/\n0022\n0\n${stdin}`);
        expect(result).toEqual({ exitCode: 0 });
        expect((await run(shell, asked({ command: 'cat; echo end' }))).stdout.toString()).toBe('end\n');
      });

      test('may print what looks like a frame', async () => {
        const command = `printf '\\036MOLT 0123 end 0 0\\n\\036MOLT \\036\\036MOL'; sleep 0.1; printf 'T x\\036'`;
        const { result, stdout } = await run(shell, asked({ command }));
        expect(stdout.toString()).toBe('\x1eMOLT 0123 end 0 0\n\x1eMOLT \x1e\x1eMOLT x\x1e');
        expect(result).toEqual({ exitCode: 0 });
      });

      test('is refused a directory that is not there', async () => {
        await expect(run(shell, asked({ cwd: '/no/where' }))).rejects.toMatchObject({ code: 'MOLT_ACTION_FAILED' });
        expect(shell.isReusable()).toBe(true);
      });

      test('is ended with its tree, TERM-proof children too', async () => {
        const own = await bench.open();
        const control = new AbortController();
        const proof = `trap '' TERM HUP; echo up $$; while :; do sleep 0.1; done`;
        const running = run(
          own,
          asked({
            command: `nohup sh -c "sh -c '${proof.replaceAll("'", `'\\''`)}' & sleep 300" & sleep 300`,
            signal: control.signal,
          }),
        );
        const pid = await eventually('it is up', () => /up (\d+)/.exec(running.stdout())?.[1]);
        const group = Number((await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ')[2]);
        control.abort('cancelled');
        const { result } = await running;
        expect(result).toEqual({
          signal: 'TERM',
          killed: 'verified',
          ...(way === 'guarded' ? { endedBy: 'cancel' } : {}),
        });
        expect(await groupMembers(group)).toEqual([]);
      });
    });

    test('a plain command that leaves children behind ends with its leader; the shell is not used again', async () => {
      const own = await bench.open();
      const { result, stdout } = await run(own, { command: 'sleep 300 & echo $!; exit 4' });
      expect(result).toEqual({ exitCode: 4 });
      expect(own.isReusable()).toBe(false);
      process.kill(Number(stdout.toString()), 'SIGKILL');
    });

    test('an end in the moment in which a follower is asked for is told once', async () => {
      const shells = await Promise.all(Array.from({ length: 4 }, () => bench.open()));
      const told = shells.map(async (own, lane) => {
        for (let step = 0; step < 4; step++) {
          const seconds = 0.235 + lane * 0.005 + step * 0.02;
          const guard = { id: randomUUID() };
          const { result, stdout } = await run(own, { command: `sleep ${seconds}; echo out; exit 5`, guard });
          expect([result, stdout.toString()]).toEqual([{ exitCode: 5 }, 'out\n']);
        }
      });
      await Promise.all(told);
    });

    test('12 racing starts run once, and all are answered', async () => {
      const id = randomUUID();
      const mark = join(bench.directory, id);
      const opened = await Promise.all(Array.from({ length: 12 }, () => bench.open()));
      const command = `echo x >>${mark}; echo one; sleep 0.2; echo two; echo err >&2; exit 3`;
      const answers = await Promise.all(opened.map((one) => run(one, { command, guard: { id, mode: 'resume' } })));
      for (const { result, stdout, stderr } of answers) {
        expect(result).toEqual({ exitCode: 3 });
        expect(stdout.toString()).toBe('one\ntwo\n');
        expect(stderr.toString()).toBe('err\n');
      }
      expect(await readFile(mark, 'utf8')).toBe('x\n');
    });

    test('a command goes on without its client, and is attached to where that stopped', async () => {
      const id = randomUUID();
      const left = await bench.open();
      const goOn = join(bench.directory, `${id}-go-on`);
      const wait = `[ $i -ne 10 ] || while [ ! -e ${goOn} ]; do sleep 0.02; done`;
      const command = `i=0; while [ $i -lt 30 ]; do ${wait}; echo line $i; echo err $i >&2; i=$((i+1)); done; exit 9`;
      const begun = run(left, { command, guard: { id } });
      begun.catch(() => {});
      await eventually('some output', () => begun.stdout().length > 20);
      left.close();
      await expect(begun).rejects.toMatchObject({ code: 'MOLT_SSH_LOST' });
      const got = begun.stdout();
      await writeFile(goOn, '');
      const { result, stdout, stderr, at } = await run(shell, {
        command,
        guard: { id, mode: 'attach', from: { stdout: got.length, stderr: 6 } },
      });
      const lines = (word: string): string => Array.from({ length: 30 }, (_, i) => `${word} ${i}\n`).join('');
      expect(at).toEqual({ stdout: got.length, stderr: 6 });
      expect(got + stdout.toString()).toBe(lines('line'));
      expect(stderr.toString()).toBe(lines('err').slice(6));
      expect(result).toEqual({ exitCode: 9 });
      const beyond = await run(shell, { guard: { id, mode: 'attach', from: { stdout: 1e6, stderr: 0 } } });
      expect(beyond.at).toEqual({ stdout: lines('line').length, stderr: 0 });
    });

    test('its time is up though nobody is there, and not before', async () => {
      const id = randomUUID();
      const left = await bench.open();
      // A second of the host's begins between the start and the moment when somebody looks after its time.
      const hundredths = async (): Promise<number> =>
        Number(/\.(\d\d)/.exec(await readFile('/proc/uptime', 'utf8'))?.[1]);
      await eventually('the end of a second', async () => (await hundredths()) >= 80, { everyMs: 5 });
      const began = performance.now();
      const begun = run(left, { command: 'echo up; sleep 300', guard: { id, totalMs: 1_000 } });
      begun.catch(() => {});
      const leader = await leaderOf(`${id}.1`);
      left.close();
      await eventually('it is gone', async () => (await groupMembers(leader)).length === 0);
      await eventually('whoever ended it has recorded that', () => stat(join(bench.directory, 'run', `${id}.1.gone`)));
      expect(performance.now() - began).toBeGreaterThan(1_000);
      const { result, stdout } = await run(shell, { guard: { id, mode: 'attach' } });
      expect(result).toEqual({ signal: 'TERM', killed: 'verified', endedBy: 'timeout' });
      expect(stdout.toString()).toBe('up\n');
    });

    test('one that took a while and printed nothing leaves no more than its record on the disk', async () => {
      const id = randomUUID();
      const goOn = join(bench.directory, `${id}-go-on`);
      const command = `while [ ! -e ${goOn} ]; do sleep 0.02; done`;
      const begun = run(shell, { command, guard: { id, totalMs: 60_000 } });
      const sizeOf = async (what: string): Promise<number | undefined> => {
        const found = await stat(join(bench.directory, 'run', `${id}.1.${what}`)).catch(() => undefined);
        return found?.size;
      };
      await eventually('somebody looks after its time', async () => (await sizeOf('wd')) || false);
      await writeFile(goOn, '');
      expect((await begun).result).toEqual({ exitCode: 0 });
      await eventually('nobody looks after it any more', async () => (await sizeOf('wd')) === 0);
      const sizes = await Promise.all(['tell', 'out', 'err', 'rc'].map(sizeOf));
      expect(sizes).toEqual([0, 0, 0, undefined]);
    });

    test.each(['cancelled', 'idle'])(
      'nobody looks after the time of what was ended from elsewhere: %s',
      async (why) => {
        const id = randomUUID();
        const control = new AbortController();
        const begun = run(shell, { command: 'sleep 300', guard: { id, totalMs: 600_000 }, signal: control.signal });
        const read = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '');
        const wd = await eventually('somebody looks after its time', () =>
          bench.record(`${id}.1.wd`).then((text) => text || false),
        );
        // Whoever is to wait for the ended ones may do so late.
        const isThere = async (): Promise<boolean> => !/^$|\) Z /.test(await read(`/proc/${wd.split(' ')[0]}/stat`));
        expect(await isThere()).toBe(true);
        control.abort(why);
        expect((await begun).result).toMatchObject({ killed: 'verified' });
        await eventually('nobody does any more', async () => !(await isThere()));
      },
    );

    test('what was cancelled before its start can never start', async () => {
      const id = randomUUID();
      const resume = { id, mode: 'resume' } as const;
      const cancelled = run(shell, { command: 'true', guard: resume, signal: AbortSignal.abort() });
      await expect(cancelled).rejects.toMatchObject({ code: 'MOLT_RUN_CANCELLED' });
      const mark = join(bench.directory, `${id}-ran`);
      for (const guard of [{ id }, resume, { id, attempt: 2 }]) {
        await expect(run(shell, { command: `touch ${mark}`, guard })).rejects.toMatchObject({
          code: 'MOLT_RUN_CANCELLED',
        });
      }
      expect(await readdir(bench.directory)).not.toContain(`${id}-ran`);
    });

    test('a cancel from elsewhere is seen by all, and again', async () => {
      const id = randomUUID();
      const one = await bench.open();
      const first = run(one, { command: 'echo up; sleep 300', guard: { id } });
      await eventually('it is up', () => first.stdout() !== '');
      const end = { signal: 'TERM', killed: 'verified', endedBy: 'cancel' };
      const second = run(shell, { guard: { id, mode: 'resume' }, signal: AbortSignal.abort() });
      expect((await second).result).toEqual(end);
      expect((await first).result).toEqual(end);
      expect((await run(shell, { guard: { id, mode: 'attach' } })).result).toEqual(end);
    });

    test('a killed supervisor and a restarted host mean lost, and nothing starts again', async () => {
      const id = randomUUID();
      const one = await bench.open();
      const running = run(one, { command: 'sleep 300', guard: { id } });
      const leader = await leaderOf(`${id}.1`);
      process.kill(Number((await bench.record(`${id}.1.go`)).split(' ')[1]), 'SIGKILL');
      const lost = { code: 'MOLT_RUN_LOST' };
      await expect(running).rejects.toMatchObject(lost);
      await expect(run(shell, { guard: { id } })).rejects.toMatchObject(lost);
      await expect(run(shell, { guard: { id, attempt: 2 } })).rejects.toMatchObject({
        ...lost,
        details: { attempt: 1 },
      });
      expect(isAlive(leader)).toBe(true);
      const cancel = run(shell, { guard: { id, mode: 'resume' }, signal: AbortSignal.abort() });
      await expect(cancel).rejects.toMatchObject(lost);
      expect(await groupMembers(leader)).toEqual([]);

      const other = randomUUID();
      const record = await bench.record(`${id}.1.go`);
      const elsewhen = record.replace(/[0-9a-f-]{36}/, randomUUID());
      await writeFile(join(bench.directory, 'run', `${other}.1.go`), elsewhen);
      await expect(run(shell, { guard: { id: other, mode: 'resume' } })).rejects.toMatchObject(lost);
    });

    test('an attempt seals those before it, and waits for none', async () => {
      const id = randomUUID();
      expect((await run(shell, { command: 'echo 2', guard: { id, attempt: 2 } })).stdout.toString()).toBe('2\n');
      const refused = { code: 'MOLT_RUN_LOST', details: { attempt: 2 } };
      await expect(run(shell, { guard: { id, attempt: 1, mode: 'resume' } })).rejects.toMatchObject(refused);
      const own = await bench.open();
      const third = run(own, { command: 'echo up; sleep 300', guard: { id, attempt: 3 } });
      await eventually('it is up', () => third.stdout() !== '');
      const fourth = run(shell, { guard: { id, attempt: 4 } });
      await expect(fourth).rejects.toMatchObject({ code: 'MOLT_RUN_LOST', details: { attempt: 3 } });
      await run(shell, { guard: { id, attempt: 3, mode: 'resume' }, signal: AbortSignal.abort() });
      await third;
      await expect(run(shell, { guard: { id: randomUUID(), mode: 'attach' } })).rejects.toMatchObject({
        code: 'MOLT_NOT_FOUND',
      });
    });

    test('forgets output, then all', async () => {
      const own = await createShellBench(kind);
      const one = await own.open();
      const id = randomUUID();
      const seen: boolean[] = [];
      const onAttached = (_at: unknown, isForgotten: boolean): void => void seen.push(isForgotten);
      await own.run(one, { command: 'echo out; exit 5', guard: { id, onAttached } });
      await own.run(one, { guard: { id, mode: 'resume', onAttached } });
      one.forget([{ id, attempt: 1 }]);
      const files = async () =>
        (await readdir(join(own.directory, 'run'))).filter((name) => name.startsWith(id)).sort();
      await eventually('the output is gone', async () => (await files()).join() === `${id}.1.by,${id}.1.go`);
      const later = { id, mode: 'resume', from: { stdout: 4, stderr: 0 }, onAttached } as const;
      const { result, stdout } = await own.run(one, { guard: later });
      expect(result).toEqual({ exitCode: 5 });
      expect(stdout.toString()).toBe('');
      expect(seen).toEqual([false, false, true]);
      const [silent, halfEnded] = [randomUUID(), randomUUID()];
      for (const left of [silent, halfEnded]) await own.run(one, { command: 'true', guard: { id: left } });
      // Who began to end it was killed before it was seen to be gone.
      await writeFile(join(own.directory, 'run', `${halfEnded}.1.by`), 'cancel - end\n');
      const old = Date.now() / 1_000 - 7_200;
      for (const name of await readdir(join(own.directory, 'run')))
        await utimes(join(own.directory, 'run', name), old, old);
      const fresh = await own.open();
      const last = randomUUID();
      await own.run(fresh, { guard: { id: last } });
      const others = async () =>
        (await readdir(join(own.directory, 'run'))).filter((name) => name !== 'swept' && !name.startsWith(last));
      await eventually('the records are gone', async () => (await others()).length === 0);
      await own.stop();
    });
  });
};
