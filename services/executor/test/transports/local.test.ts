import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Transport } from '@moltbot/plugin-sdk';
import { MoltError, silentLogger } from '@moltbot/shared';
import { checkServiceContract, eventually } from '@moltbot/testkit';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { createLocalTransport } from '../../src/transports/local.ts';
import { collect, firstNumber, groupMembers, isAlive, localTarget } from './support.ts';

let transport: Transport;

beforeEach(async () => {
  transport = createLocalTransport({ log: silentLogger, killGraceMs: 300 });
  await transport.start();
});
afterEach(() => transport.stop());

const exec = (command: string, extra: Parameters<typeof collect>[1] = {}) =>
  collect(transport, { target: localTarget, ...extra, spec: { command, ...extra.spec } });

describe('what a command gives', () => {
  test('exit code, both streams apart and byte-exact', async () => {
    const { result, stdout, stderr } = await exec(`printf 'a\\0b\\377'; printf 'e\\r\\n' >&2; exit 7`);
    expect(result).toEqual({ exitCode: 7 });
    expect(stdout).toEqual(Buffer.from([0x61, 0, 0x62, 0xff]));
    expect(stderr.toString()).toBe('e\r\n');
  });

  test('the status of the shell for one that a signal ended', async () => {
    expect((await exec('kill -USR1 $$')).result).toEqual({ exitCode: 138 });
  });

  test('stdin, then its end; end of file at once without', async () => {
    expect((await exec('cat', { spec: { stdin: 'héllo\n' } })).stdout.toString()).toBe('héllo\n');
    expect((await exec('cat; echo done')).stdout.toString()).toBe('done\n');
    expect((await exec('exit 3', { spec: { stdin: 'x'.repeat(1_000_000) } })).result).toEqual({ exitCode: 3 });
  });

  test('environment with quotes and newlines; nothing of ours', async () => {
    const env = { A: `it's "q" $HOME \`id\` \\`, B: 'two\nlines' };
    const { stdout } = await exec('printf "%s|%s|%s" "$A" "$B" "$VITEST"', { spec: { env } });
    expect(stdout.toString()).toBe(`${env.A}|${env.B}|`);
    await expect(exec('true', { spec: { env: { 'A-B': 'x' } } })).rejects.toMatchObject({ code: 'MOLT_BAD_ARGUMENTS' });
  });

  test('the directory, and a clear error when it is missing', async () => {
    const dir = await realpath(await mkdtemp(join(tmpdir(), 'molt-local-')));
    expect((await exec('pwd', { spec: { cwd: dir } })).stdout.toString().trim()).toBe(dir);
    await rm(dir, { recursive: true });
    const onStart = async (): Promise<void> => expect.unreachable('it must not start');
    await expect(exec('pwd', { spec: { cwd: dir }, onStart })).rejects.toMatchObject({
      code: 'MOLT_ACTION_FAILED',
      message: expect.stringContaining(dir),
    });
  });
});

describe('the end of a command', () => {
  test('an abort ends a command that traps TERM, and its background child', async () => {
    const control = new AbortController();
    const running = exec(
      `trap '' TERM; sh -c "trap '' TERM; while :; do sleep 0.1; done" & echo $$; while :; do sleep 0.1; done`,
      {
        signal: control.signal,
      },
    );
    const group = await firstNumber(running);
    expect((await groupMembers(group)).length).toBeGreaterThan(1);
    control.abort('cancelled');
    expect((await running).result).toEqual({ signal: 'KILL', killed: 'verified' });
    expect(await groupMembers(group)).toEqual([]);
  });

  test('a command that obeys TERM ends with its own exit code', async () => {
    const control = new AbortController();
    const patient = createLocalTransport({ log: silentLogger, killGraceMs: 5_000 });
    await patient.start();
    onTestFinished(() => patient.stop());
    const command = `trap 'echo bye; exit 5' TERM; echo up; while :; do sleep 0.05; done`;
    const running = collect(patient, { target: localTarget, signal: control.signal, spec: { command } });
    await eventually('it is up', () => running.stdout().length > 0);
    control.abort();
    const { result, stdout } = await running;
    expect(result).toEqual({ exitCode: 5, killed: 'verified' });
    expect(stdout.toString()).toBe('up\nbye\n');
  });

  test('a background child that holds the pipes open does not hold the run', async () => {
    const { result, stdout } = await exec('sleep 300 & echo $!; exit 4');
    expect(result).toEqual({ exitCode: 4 });
    const child = Number(stdout.toString());
    expect(isAlive(child)).toBe(true);
    process.kill(child, 'SIGKILL');
  });

  test('output that cannot be handed over ends the command and is the error', async () => {
    const full = new MoltError('MOLT_STORE_DOWN', 'full');
    const pids: string[] = [];
    const failing = exec('echo $$; exec sleep 300', {
      onOutput: async (_stream, data) => {
        pids.push(data.toString());
        throw full;
      },
    });
    await expect(failing).rejects.toBe(full);
    expect(isAlive(Number(pids[0]))).toBe(false);
  });

  test('stop ends what runs', async () => {
    const running = exec('echo $$; exec sleep 300');
    const pid = await firstNumber(running);
    await transport.stop();
    expect((await running).result).toEqual({ signal: 'TERM', killed: 'verified' });
    expect(isAlive(pid)).toBe(false);
    await expect(exec('true')).rejects.toMatchObject({ code: 'MOLT_SHUTTING_DOWN' });
  });
});

describe('the start of a command', () => {
  test('nothing runs when onStart rejects, or the signal has aborted', async () => {
    const mark = join(tmpdir(), `molt-local-${process.pid}-mark`);
    const refused = new Error('refused');
    await expect(exec(`touch ${mark}`, { onStart: () => Promise.reject(refused) })).rejects.toBe(refused);
    await expect(exec(`touch ${mark}`, { signal: AbortSignal.abort('cancelled') })).rejects.toBe('cancelled');
    const late = new AbortController();
    const aborting = exec(`touch ${mark}`, { signal: late.signal, onStart: async () => late.abort() });
    expect((await aborting).result).toEqual({ killed: 'verified' });
    expect((await exec(`test -e ${mark}`)).result).toEqual({ exitCode: 1 });
  });
});

test('a guarded command outlives the kill of its client, and is found again by another', async () => {
  const home = await mkdtemp(join(tmpdir(), 'molt-local-'));
  const source = new URL('../../src/transports/local.ts', import.meta.url).href;
  const guard = { id: 'a', attempt: 1, totalMs: 60_000 };
  const program = `
    const { createLocalTransport } = await import(${JSON.stringify(source)});
    const log = { info() {}, warn() {}, debug() {}, error() {} };
    const transport = createLocalTransport({ log, guard: { directory: ${JSON.stringify(home)}, retentionMs: 3600000 } });
    await transport.start();
    await transport.exec({
      target: { transport: 'local', name: 'local', labels: {}, pool: 'default' },
      spec: { command: 'echo up; sleep 1; echo done; exit 3' }, connectMs: 1000, log,
      signal: new AbortController().signal,
      guard: { ...${JSON.stringify(guard)}, mode: 'start', from: { stdout: 0, stderr: 0 }, onAttached() {} },
      onStart: async () => {}, onOutput: async () => process.stdout.write('up'),
    });`;
  const client = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(client.stdout, 'data');
  client.kill('SIGKILL');
  const other = createLocalTransport({ log: silentLogger, guard: { directory: home, retentionMs: 3_600_000 } });
  await other.start();
  const order = { ...guard, mode: 'resume', from: { stdout: 3, stderr: 0 }, onAttached: () => {} } as const;
  const { result, stdout } = await collect(other, { guard: order });
  expect(result).toEqual({ exitCode: 3 });
  expect(stdout.toString()).toBe('done\n');
  other.forget?.(localTarget, guard);
  await eventually('the output is forgotten', async () => !(await readdir(join(home, 'run'))).includes('a.1.out'));
  await other.stop();
  await rm(home, { recursive: true });
});

test('a slow reader slows the command down', async () => {
  const gate = Promise.withResolvers<void>();
  let got = 0;
  const running = exec('yes 0123456789 | head -c 20000000; echo end >&2', {
    onOutput: async (_stream, data) => {
      got += data.length;
      await gate.promise;
    },
  });
  await eventually('the first bytes', () => got > 0);
  expect((await exec('sleep 0.2')).result).toEqual({ exitCode: 0 });
  expect(got).toBeLessThan(1_000_000);
  gate.resolve();
  await running;
  expect(got).toBe(20_000_000 + 4);
});

test('it keeps the contract of a service', async () => {
  await checkServiceContract(() => createLocalTransport({ log: silentLogger }));
});
