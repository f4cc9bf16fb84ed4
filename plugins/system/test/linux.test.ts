import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statfsSync } from 'node:fs';
import { availableParallelism, hostname, release, totalmem, uptime } from 'node:os';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SystemStatus } from '../src/status.ts';
import { look, lookBare, lookInside, withPrograms } from './support/run-script.ts';

const run = promisify(execFile);
const shells = ['dash', 'bash', 'busybox sh', 'ksh93', 'mksh', 'yash', 'zsh'];

const meminfo = (name: string): number => {
  const [, kib = ''] = new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(readFileSync('/proc/meminfo', 'utf8')) ?? [];
  return Number(kib) * 1_024;
};

/** Something to be found among the processes that use most: it keeps one CPU busy, and 200 MB of memory. */
let busy: ReturnType<typeof spawn>;
beforeAll(async () => {
  const program = "const held = Buffer.alloc(2e8, 1); console.log('up'); for (;;) held[0] += 1;";
  busy = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'], argv0: 'busy' });
  if (busy.stdout) await once(busy.stdout, 'data');
});
afterAll(() => void busy.kill('SIGKILL'));

/** What this host told, beside what it tells to others. */
function expectTrue(status: SystemStatus): void {
  expect(status.host).toMatchObject({ name: hostname(), kernel: `Linux ${release()}` });
  expect(Math.abs((status.host.uptimeSeconds ?? 0) - uptime())).toBeLessThan(20);
  expect(status.cpu?.count).toBe(availableParallelism());
  expect(status.memory?.totalBytes).toBe(totalmem());
  expect(Math.abs((status.memory?.availableBytes ?? 0) - meminfo('MemAvailable'))).toBeLessThan(totalmem() * 0.2);
  expect(status.swap?.totalBytes).toBe(meminfo('SwapTotal'));
  expect(status.load?.perCpu).toBeCloseTo((status.load?.one ?? 0) / availableParallelism(), 1);
}

describe.each(shells)('in %s', (shell) => {
  test('the host tells the truth', async () => {
    const status = await look(shell);
    expectTrue(status);
    expect(status.warnings).toEqual([]);
    const [, pretty] = /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8')) ?? [];
    expect(status.host).toMatchObject({ os: pretty, machine: expect.any(String) });
    const root = status.disks.find(({ mount }) => mount === '/');
    const { blocks, bsize, bfree, files, ffree } = statfsSync('/');
    expect(root?.totalBytes).toBe(blocks * bsize);
    expect(Math.abs((root?.usedBytes ?? 0) - (blocks - bfree) * bsize)).toBeLessThan(2e9);
    expect(root?.inodes?.total).toBe(files);
    expect(Math.abs((root?.inodes?.used ?? 0) - (files - ffree))).toBeLessThan(100_000);
    expect(status.cpu).toMatchObject({ sampleSeconds: 1 });
    expect(status.cpu?.usedPercent).toBeGreaterThan(70 / availableParallelism());
    const found = status.processes?.byCpu.find(({ pid }) => pid === busy.pid);
    expect(found).toMatchObject({ user: 'root' });
    expect(found?.cpuPercent).toBeGreaterThan(5);
    const resident = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${busy.pid}/status`, 'utf8'))?.[1]) * 1_024;
    expect(Math.abs((found?.memoryBytes ?? 0) - resident)).toBeLessThan(resident * 0.2);
    expect(status.processes?.byMemory.map(({ pid }) => pid)).toContain(busy.pid);
    const count = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).length;
    expect(Math.abs((status.processes?.count ?? 0) - count)).toBeLessThan(count / 2);
  });

  test('it tells what it can where there is nothing but that shell and /proc', async () => {
    const status = await lookBare(shell);
    expectTrue(status);
    expect(status.host.os).toBe(`Linux ${release()}`);
    expect(status.disks).toEqual([]);
    expect(status.warnings).toContain('disks: df is not there, or tells of none');
    expect(status.processes?.byMemory.map(({ pid }) => pid)).toContain(busy.pid);
    // ksh93 has a sleep inside.
    const isSampled = shell === 'ksh93';
    expect(status.cpu?.sampleSeconds).toBe(isSampled ? 1 : 0);
    const since = status.warnings.filter((warning) => warning.startsWith('cpu: no sample'));
    expect(since).toHaveLength(isSampled ? 0 : 1);
    expect(status.processes?.byCpu.find(({ pid }) => pid === busy.pid)?.cpuPercent).toBeGreaterThan(5);
  });
});

test.each([
  ['awk of busybox', { awk: 'exec busybox awk "$@"' }],
  [
    'tools of busybox',
    Object.fromEntries(['awk', 'df', 'uname', 'sleep'].map((name) => [name, `exec busybox ${name} "$@"`])),
  ],
])('with the %s the same is told', async (_what, programs) => {
  const [own, other] = await Promise.all([look('dash'), withPrograms(programs, (path) => look('dash', { path }))]);
  expectTrue(other);
  expect(other.warnings).toEqual([]);
  expect(other.disks.map(({ mount, device, fs, totalBytes }) => [mount, device, fs, totalBytes])).toEqual(
    own.disks.map(({ mount, device, fs, totalBytes }) => [mount, device, fs, totalBytes]),
  );
  expect(other.processes?.byCpu.map(({ pid }) => pid)).toContain(busy.pid);
});

test('an empty PATH is no reason to know less', async () => {
  const status = await look('/bin/sh', { path: '' });
  expectTrue(status);
  expect(status.warnings).toEqual([]);
});

test('without awk every process is looked at, and the same ones are on top', async () => {
  const hide = 'mount --bind /dev/null "$(readlink -f /usr/bin/awk)"';
  const status = await lookInside(hide, 'dash');
  expectTrue(status);
  expect(status.warnings).toEqual([]);
  expect(status.cpu?.sampleSeconds).toBe(1);
  expect(status.processes?.byMemory.map(({ pid }) => pid)).toContain(busy.pid);
  const found = status.processes?.byCpu.find(({ pid }) => pid === busy.pid);
  expect(found?.cpuPercent).toBeGreaterThan(5);
  expect(found?.cpuPercent).toBeLessThan(200);
  expect(found?.user).toBeUndefined();
});

test('of most CPU is who uses it now, not who has used most', async () => {
  const eager = spawn('nice', ['-n', '-15', process.execPath, '-e', "console.log('up'); for (;;);"], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await once(eager.stdout, 'data');
    const { processes } = await look('dash', { asked: { top: 2, sample: 1 } });
    expect(processes?.byCpu.map(({ pid }) => pid)).toContain(eager.pid);
  } finally {
    eager.kill('SIGKILL');
  }
});

test('top says how many, and 0 means none', async () => {
  const one = await look('dash', { asked: { top: 1, sample: 1 } });
  expect([one.processes?.byCpu.length, one.processes?.byMemory.length]).toEqual([1, 1]);
  const none = await look('dash', { asked: { top: 0, sample: 0 } });
  expect(none.processes).toMatchObject({ byCpu: [], byMemory: [] });
  expect(none.processes?.count).toBeGreaterThan(5);
  expect(none).toMatchObject({ cpu: { sampleSeconds: 0 }, warnings: [] });
});

test('a disk that does not answer is not waited for, and leaves no process behind', async () => {
  const mark = `7${process.pid}`;
  const hangs = `case "$*" in *l*) exec /bin/df "$@" ;; *) exec sleep ${mark} ;; esac`;
  const started = Date.now();
  const status = await withPrograms({ df: hangs }, (path) => look('dash', { path }));
  expect(Date.now() - started).toBeLessThan(20_000);
  expect(status.disks.map(({ mount }) => mount)).toContain('/');
  expect(status.warnings).toEqual(['disks: one does not answer; remote ones may be missing']);
  const left = await run('pgrep', ['-f', `sleep ${mark}`]).catch(({ stdout }: { stdout: string }) => ({ stdout }));
  expect(left.stdout).toBe('');
});

test.each(['dash', 'bash', 'ksh93', 'mksh'])(
  'a host that lets nothing be written tells all the same, in %s',
  async (shell) => {
    const status = await lookInside('mount -o remount,bind,ro / && mount -o ro -t tmpfs none /tmp', shell);
    expectTrue(status);
    expect(status.warnings).toEqual([]);
  },
);

test('a user who may see no processes of others is told so', async () => {
  const hide = 'mount -t proc -o hidepid=2 proc /proc';
  const status = await lookInside(hide, 'setpriv --reuid=nobody --regid=nogroup --clear-groups dash');
  expect(status.warnings).toEqual(['processes: those of other users cannot be seen']);
  expect(status.processes?.count).toBeLessThan(10);
  expect(status.memory?.totalBytes).toBe(totalmem());
});
