import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, systemClock } from '@moltbot/shared';
import { eventually } from '@moltbot/testkit';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openLocalChannel } from '../../src/transports/local-shell.ts';
import { openResident } from '../../src/transports/shell/resident.ts';
import { createShellBench, type ShellBench } from './shell-support.ts';
import { groupMembers, isAlive } from './support.ts';

let bench: ShellBench;
beforeAll(async () => {
  bench = await createShellBench({ command: 'exec dash -s' });
});
afterAll(() => bench.stop());

const tools = ['sh', 'cat', 'env', 'find', 'grep', 'id', 'mkdir', 'rm', 'sleep', 'tail', 'wc'];

/** A PATH with these programs and no others. */
async function pathOf(names: readonly string[]): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'molt-path-'));
  for (const name of names) await symlink(`/usr/bin/${name}`, join(directory, name));
  return directory;
}

describe('without setsid', () => {
  test.each(['perl', 'python3'])('%s makes the process group', async (name) => {
    const PATH = await pathOf(['dash', ...tools, name]);
    const own = await createShellBench({ command: 'exec dash -s', env: { PATH } });
    const shell = await own.open();
    const control = new AbortController();
    const running = own.run(shell, { command: 'echo $$; sleep 300', guard: { id: 'a' }, signal: control.signal });
    const group = Number(await eventually('it is up', () => running.stdout().trim() || undefined));
    expect((await groupMembers(group)).length).toBeGreaterThan(0);
    control.abort();
    expect((await running).result).toEqual({ signal: 'TERM', killed: 'verified', endedBy: 'cancel' });
    expect((await own.run(shell, { command: 'exit 6', stdin: 'x' })).result).toEqual({ exitCode: 6 });
    await own.stop();
    await rm(PATH, { recursive: true });
  });

  test.each([false, true])(
    'a cancel before the group is made waits for it; without /proc: %s',
    async (isWithoutProc) => {
      const PATH = await pathOf(['dash', ...tools, 'ps', 'tr']);
      await writeFile(join(PATH, 'perl'), '#!/bin/sh\nsleep 1\nexec /usr/bin/perl "$@"\n', { mode: 0o755 });
      const own = await createShellBench({ command: 'exec dash -s', env: { PATH }, isWithoutProc });
      const shell = await own.open();
      const running = own.run(shell, { command: 'sleep 300', guard: { id: 'a' } });
      const go = await eventually('the record', async () => (await own.record('a.1.go')) || undefined);
      const end = { signal: 'TERM', killed: 'verified', endedBy: 'cancel' };
      const cancel = own.once({ guard: { id: 'a', mode: 'resume' }, signal: AbortSignal.abort() });
      expect((await cancel).result).toEqual(end);
      expect(isAlive(Number(go.split(' ')[3]))).toBe(false);
      expect((await running).result).toEqual(end);
      await own.stop();
      await rm(PATH, { recursive: true });
    },
  );

  test('nor anything like it there is no shell', async () => {
    const PATH = await pathOf(['dash', ...tools]);
    const own = await createShellBench({ command: 'exec dash -s', env: { PATH } });
    await expect(own.open()).rejects.toMatchObject({
      code: 'MOLT_NO_GUARD',
      message: expect.stringContaining('setsid'),
    });
    await own.stop();
    await rm(PATH, { recursive: true });
  });
});

test.each([
  ['ends at once', 'exit 1', 'ended', () => new Promise<never>(() => {})],
  // Five seconds are over at once.
  ['is silent', 'exec sleep 300', 'answered', () => systemClock.sleep(500)],
])('a login shell that %s is no resident', async (_what, command, message, sleep) => {
  const clock = { ...systemClock, sleep };
  const channel = await openLocalChannel({ PATH: '/usr/bin:/bin' }, systemClock, command);
  const options = { directory: '/nowhere', retentionMs: 1, clock, log: silentLogger };
  await expect(openResident(channel, options)).rejects.toMatchObject({
    code: 'MOLT_NO_GUARD',
    message: expect.stringContaining(message),
  });
});

test('a record that cannot be kept is refused, and nothing runs', async () => {
  const own = await createShellBench({ command: 'exec dash -s' });
  await writeFile(join(own.directory, 'run'), '');
  const mark = join(own.directory, 'mark');
  const shell = await own.open();
  const refused = own.run(shell, { command: `touch ${mark}`, guard: { id: 'a' } });
  await expect(refused).rejects.toMatchObject({ code: 'MOLT_NO_GUARD' });
  expect((await own.run(shell, { command: `test -e ${mark}` })).result).toEqual({ exitCode: 1 });
  await own.stop();
});

test('a launch that comes late cannot run', async () => {
  const id = randomUUID();
  const paused = await bench.open();
  const pid = Number((await bench.run(paused, { command: 'echo $PPID' })).stdout.toString());
  process.kill(pid, 'SIGSTOP');
  const mark = join(bench.directory, id);
  const late = bench.run(paused, { command: `echo late >>${mark}`, guard: { id } });
  const cancel = bench.once({ guard: { id, mode: 'resume' }, signal: AbortSignal.abort() });
  await expect(cancel).rejects.toMatchObject({ code: 'MOLT_RUN_CANCELLED' });
  process.kill(pid, 'SIGCONT');
  await expect(late).rejects.toMatchObject({ code: 'MOLT_RUN_CANCELLED' });
  await expect(readFile(mark)).rejects.toMatchObject({ code: 'ENOENT' });
});

test.each(['plain', 'guarded'])('100 MB of a %s command arrive whole, and are not held', async (kind) => {
  const shell = await bench.open();
  const hash = createHash('sha256');
  const before = process.memoryUsage().rss;
  let most = 0;
  let bytes = 0;
  await bench.run(shell, {
    command: 'yes 0123456789abcde | head -c 100000000',
    onOutput: async (_stream, data) => {
      hash.update(data);
      bytes += data.length;
      most = Math.max(most, process.memoryUsage.rss());
    },
    ...(kind === 'guarded' ? { guard: { id: randomUUID() } } : {}),
  });
  const wanted = createHash('sha256');
  const line = Buffer.from('0123456789abcde\n'.repeat(62_500));
  for (let i = 0; i < 100; i++) wanted.update(line);
  expect(bytes).toBe(100_000_000);
  expect(hash.digest('hex')).toBe(wanted.digest('hex'));
  expect(most - before).toBeLessThan(100 * 1024 * 1024);
});

describe('a run whose supervisor was killed, and whose leader is a zombie that nobody waits for', () => {
  /** A group: its leader has exited, its parent waits for nobody, a member runs. */
  async function orphanedGroup(): Promise<{ leader: number; member: number; start: string; end: () => void }> {
    const text =
      'use POSIX; if (!fork) { POSIX::setsid(); my $m = fork; exec "sleep", "300" if !$m; print "$$ $m\\n"; exit } sleep 300';
    const parent = spawn('perl', ['-e', `$| = 1; ${text}`], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const [leader, member] = line.toString().trim().split(' ').map(Number) as [number, number];
    const after = await eventually('a zombie', async () => {
      const rest = (await readFile(`/proc/${leader}/stat`, 'utf8')).split(') ')[1]?.split(' ');
      return rest?.[0] === 'Z' ? rest : undefined;
    });
    const end = (): void => {
      if (isAlive(member)) process.kill(member, 'SIGKILL');
      parent.kill('SIGKILL');
    };
    return { leader, member, start: after[19] ?? '', end };
  }

  test.each([
    ['its own group is ended', true],
    ['a group that has its number by now is left alone', false],
  ])('%s', async (_what, isOurs) => {
    const { leader, member, start, end } = await orphanedGroup();
    onTestFinished(end);
    const id = randomUUID();
    const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    const file = join(bench.directory, 'run', `${id}.1`);
    await bench.once({ guard: { id: 'any' } });
    await writeFile(`${file}.go`, `run 4194303 1 ${leader} ${isOurs ? start : Number(start) + 1} ${boot} - end\n`);
    const cancel = bench.once({ guard: { id, mode: 'resume' }, signal: AbortSignal.abort() });
    await expect(cancel).rejects.toMatchObject({ code: 'MOLT_RUN_LOST' });
    if (isOurs) await eventually('its end', () => !isAlive(member));
    else expect(isAlive(member)).toBe(true);
  });
});

test('what power loss left half-written, and what came late, goes in time', async () => {
  const own = await createShellBench({ command: 'exec dash -s' });
  await mkdir(join(own.directory, 'run'));
  const old = Date.now() / 1_000 - 3 * 3_600;
  for (const name of ['half.1.go', 'late.1.gone']) {
    await writeFile(join(own.directory, 'run', name), '');
    await utimes(join(own.directory, 'run', name), old, old);
  }
  await own.once({ guard: { id: 'any' } });
  await eventually('no trace of them', async () => {
    const names = await readdir(join(own.directory, 'run'));
    return !names.some((name) => /^(?:half|late)/.test(name));
  });
  await own.stop();
});

test('a host that tells nobody when a process started is refused', async () => {
  const PATH = await pathOf(['dash', ...tools, 'setsid', 'tr']);
  const own = await createShellBench({ command: 'exec dash -s', env: { PATH }, isWithoutProc: true });
  const refused = own.once({ command: 'echo never', guard: { id: 'x' } });
  await expect(refused).rejects.toMatchObject({
    code: 'MOLT_NO_GUARD',
    message: expect.stringContaining('neither /proc'),
  });
  await own.stop();
  await rm(PATH, { recursive: true });
});

test.each(['dash', 'bash', 'mksh'])(
  '%s leaves nobody behind who would have ended what ended by itself',
  async (kind) => {
    const own = await createShellBench({ command: `exec ${kind} -s` });
    const shells = await Promise.all(Array.from({ length: 6 }, () => own.open()));
    // A number that nobody else sleeps for. Who looks after the time begins to about a quarter of a second after the start.
    const seconds = { dash: 86_311, bash: 86_312, mksh: 86_313 }[kind] ?? 0;
    const lanes = shells.map(async (shell, lane) => {
      for (let step = 0; step < 10; step++) {
        const guard = { id: `${lane}-${step}`, totalMs: seconds * 1_000 };
        await own.run(shell, { command: `sleep ${0.25 + lane * 0.01 + step * 0.004}`, guard });
      }
    });
    await Promise.all(lanes);
    const left = (): string =>
      spawnSync('pgrep', ['-f', `sleep 863(0[0-9]|1${seconds % 10})`], { encoding: 'utf8' }).stdout;
    await eventually('nobody', () => left() === '', { withinMs: 5_000 });
    await own.stop();
  },
);

test.each(['dash', 'bash', 'mksh'])(
  '%s leaves no sleep behind when who looks after the time is told to stop as it begins to sleep',
  async (kind) => {
    // It is told once; here right before it sleeps, and not later.
    const [sleep, tell] = ['sleep "$M_left" &', 'kill -TERM "$M_w"'];
    const own = await createShellBench({
      command: `exec ${kind} -s`,
      altered(program) {
        for (const line of [sleep, tell]) expect(program).toContain(line);
        return program.replace(tell, ':').replace(sleep, () => `kill -TERM "$M_pid"; ${sleep}`);
      },
    });
    const seconds = { dash: 86_321, bash: 86_322, mksh: 86_323 }[kind] ?? 0;
    const runs = Array.from({ length: 6 }, async (_, n) => {
      const guard = { id: `told-${n}`, totalMs: seconds * 1_000 };
      return own.run(await own.open(), { command: 'sleep 0.6', guard });
    });
    for (const { result } of await Promise.all(runs)) expect(result).toEqual({ exitCode: 0 });
    const left = (): string => spawnSync('pgrep', ['-f', `sleep 8632${seconds % 10}`], { encoding: 'utf8' }).stdout;
    await eventually('nobody', () => left() === '', { withinMs: 5_000 });
    await own.stop();
  },
);

describe('a disk that is full', () => {
  test.each(['dash', 'bash'])('at the start: %s says so, and the name is free again', async (kind) => {
    // No file may hold a byte; what is in the way of the record is a limit here.
    const full = await createShellBench({ command: `trap '' XFSZ; ulimit -f 0; exec ${kind} -s` });
    const refused = full.once({ command: 'echo never', guard: { id: 'x' } });
    await expect(refused).rejects.toMatchObject({ code: 'MOLT_NO_GUARD', message: expect.stringContaining('written') });
    expect(await readdir(join(full.directory, 'run'))).toEqual([]);
    await full.stop();
  });

  test('at the end: whoever waits is told all the same', async () => {
    const filling = await createShellBench({
      command: `trap '' XFSZ; exec bash --norc --noprofile -s`,
      // However long it takes, nobody comes to follow it: who does knows only what was written.
      clock: {
        ...systemClock,
        sleep: (ms, signal) => (ms === 250 ? new Promise(() => {}) : systemClock.sleep(ms, signal)),
      },
    });
    // The supervisor is the parent of the command.
    const command = 'prlimit --fsize=0 --pid $PPID; exit 5';
    const { result } = await filling.once({ command, guard: { id: 'x' } });
    expect(result).toEqual({ exitCode: 5 });
    await filling.stop();
  });
});

describe('a plain command of a user of bash', () => {
  let own: ShellBench;
  beforeAll(async () => {
    own = await createShellBench({ command: 'exec bash --norc --noprofile -s', env: { SHELL: '/bin/bash' } });
  });
  afterAll(() => own.stop());

  test.each([
    ['[[ a == a ]] && printf %s "$#-$*-$0"', '0--bash', 0],
    ['set -e; false; echo never', '', 1],
    ['set -euo pipefail; cd /no/where', '', 1],
    ['trap "echo bye" EXIT; exit 3', 'bye\n', 3],
    ['x=1; f() { echo "f$x"; }; f; (exit 9)', 'f1\n', 9],
    ['kill -9 $$; echo never', '', 137],
    ['exec sh -c "exit 4"', '', 4],
    ['case $- in *m*) echo monitored ;; esac', '', 0],
    ["cat; echo 'a\nb'", 'a\nb\n', 0],
    ['if', '', 2],
    ['[ $SECONDS -lt 2 ] && echo young', 'young\n', 0],
    ['exit 99', '', 99],
  ])('%s behaves as bash -c has it, in a shell that is new and in a spare', async (command, printed, exitCode) => {
    const shell = await own.open();
    for (let round = 0; round < 3; round += 1) {
      const { result, stdout, stderr } = await own.run(shell, { command });
      expect([stdout.toString(), result]).toEqual([printed, { exitCode }]);
      expect(stderr.toString()).not.toMatch(/pop_var/);
    }
  });

  test('leaves nothing to the next one', async () => {
    const shell = await own.open();
    await own.run(shell, { command: 'A=1; export B=2; cd /; umask 0; alias x=y; trap "" TERM; set -f' });
    const { stdout } = await own.run(shell, { command: 'echo "$A$B"; umask; trap; echo /*/ | wc -w' });
    expect(stdout.toString()).toMatch(/^\n0022\n(?!1\n)\d+\n$/);
    expect(shell.isReusable()).toBe(true);
  });
});
