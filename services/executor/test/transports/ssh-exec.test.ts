import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MoltError, silentLogger } from '@moltbot/shared';
import { checkServiceContract, eventually, startSshd, type TestSshd } from '@moltbot/testkit';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createSshTransport } from '../../src/transports/ssh/transport.ts';
import { createBench, type SshBench, targetOf } from './ssh-support.ts';
import { firstNumber, groupMembers } from './support.ts';

let sshd: TestSshd;
let bench: SshBench;

beforeAll(async () => {
  sshd = await startSshd();
  bench = await createBench(sshd, { killGraceMs: 300 });
});
afterAll(async () => {
  await bench.stop();
  await sshd.stop();
});

/** Where plain commands run: in a shell that stays, or each in a session of its own on a host that is to keep no record. */
const places = ['shell', 'off'] as const;

describe.each(places)('what a command gives (guard: %s)', (guard) => {
  let bench: SshBench;
  beforeAll(async () => {
    bench = await createBench(sshd, { guard });
  });
  afterAll(() => bench.stop());

  test('exit code, both streams apart and byte-exact', async () => {
    const { result, stdout, stderr } = await bench.exec(`printf 'a\\0b\\377'; printf 'e\\r\\n' >&2; exit 7`);
    expect(result).toEqual({ exitCode: 7 });
    expect(stdout).toEqual(Buffer.from([0x61, 0, 0x62, 0xff]));
    expect(stderr.toString()).toBe('e\r\n');
  });

  test('the signal that ended it, without SIG where the host tells it', async () => {
    const ended = guard === 'off' ? { signal: 'TERM' } : { exitCode: 143 };
    expect((await bench.exec('kill -TERM $$')).result).toEqual(ended);
  });

  test('binary input comes back whole', async () => {
    const stdin = 'é\n'.repeat(300_000);
    const { stdout } = await bench.exec('cat; printf x >&2', { spec: { stdin } });
    expect(createHash('sha256').update(stdout).digest('hex')).toBe(createHash('sha256').update(stdin).digest('hex'));
    expect((await bench.exec('cat; echo done')).stdout.toString()).toBe('done\n');
    expect((await bench.exec('exit 3', { spec: { stdin } })).result).toEqual({ exitCode: 3 });
  });

  test('environment with quotes and newlines', async () => {
    const env = { A: `it's "q" $HOME \`id\` \\`, B: 'two\nlines', C: '' };
    const { stdout } = await bench.exec('printf "%s|%s|%s" "$A" "$B" "$C"', { spec: { env } });
    expect(stdout.toString()).toBe(`${env.A}|${env.B}|`);
  });

  test('a script of many lines, with a here-document and a comment at its end', async () => {
    const { stdout } = await bench.exec('cat <<X\nhello\nX\nfor i in 1 2; do\n  echo $i # count\ndone # end');
    expect(stdout.toString()).toBe('hello\n1\n2\n');
  });

  test('a syntax error is the shell’s to tell', async () => {
    const { result, stderr, stdout } = await bench.exec('if then');
    expect(result).toEqual({ exitCode: 2 });
    expect(stderr.toString()).toMatch(/syntax error/i);
    expect(stdout.length).toBe(0);
  });

  test('the directory, whatever its name, and a clear error when it cannot be entered', async () => {
    const cwd = join(sshd.dir, `it's a "dir"`);
    await mkdir(cwd, { recursive: true });
    expect((await bench.exec('pwd', { spec: { cwd } })).stdout.toString()).toBe(`${cwd}\n`);
    const missing = bench.exec('echo ran', { spec: { cwd: `${cwd}/no` } });
    await expect(missing).rejects.toMatchObject({
      code: 'MOLT_ACTION_FAILED',
      message: expect.stringContaining(`${cwd}/no`),
    });
    expect(missing.stdout().length).toBe(0);
  });

  test('a marker in the output stays in the output', async () => {
    const { stdout } = await bench.exec(`printf '\\036MOLT %s 1\\n' 0123456789abcdef0123456789abcdef; echo x`);
    expect(stdout.toString()).toBe('\x1eMOLT 0123456789abcdef0123456789abcdef 1\nx\n');
  });

  test('a process group of its own, led by its shell', async () => {
    const { stdout } = await bench.exec('echo $$; cut -d" " -f5 /proc/$$/stat');
    const [pid, group] = stdout.toString().trim().split('\n');
    expect(group).toBe(pid);
  });
});

describe('what is refused before anything is sent', () => {
  const onStart = async (): Promise<void> => expect.unreachable('it must not start');

  test('what no shell could take', async () => {
    const bad = { code: 'MOLT_BAD_ARGUMENTS' };
    await expect(bench.exec('true', { onStart, spec: { env: { 'A-B': 'x' } } })).rejects.toMatchObject(bad);
    await expect(bench.exec('echo \0', { onStart })).rejects.toMatchObject(bad);
    await expect(bench.exec(`: ${'x'.repeat(131_072)}`, { onStart })).rejects.toMatchObject(bad);
    expect((await bench.exec(`: ${'x'.repeat(130_900)}; echo ok`)).stdout.toString()).toBe('ok\n');
  });

  test('a target of another transport, and a run that was aborted', async () => {
    const local = { transport: 'local', name: 'l', labels: {}, pool: 'p' } as const;
    const run = { spec: { command: 'true' }, connectMs: 1_000, log: silentLogger, onStart, onOutput: async () => {} };
    const signal = new AbortController().signal;
    await expect(bench.transport.exec({ ...run, target: local, signal })).rejects.toMatchObject({
      code: 'MOLT_TRANSPORT',
    });
    await expect(bench.exec('true', { onStart, signal: AbortSignal.abort('cancelled') })).rejects.toBe('cancelled');
  });

  test('onStart comes once and before the first byte; when it rejects nothing is sent', async () => {
    const mark = join('/tmp', `molt-ssh-${process.pid}-mark`);
    const order: string[] = [];
    const started = await bench.exec('echo out', {
      onStart: async () => {
        expect((await bench.exec(`test -e ${mark}`)).result).toEqual({ exitCode: 1 });
        order.push('start');
      },
      onOutput: async (_stream, data) => void order.push(data.toString()),
    });
    expect(started.result).toEqual({ exitCode: 0 });
    expect(order).toEqual(['start', 'out\n']);
    const refused = new Error('refused');
    await expect(bench.exec(`touch ${mark}`, { onStart: () => Promise.reject(refused) })).rejects.toBe(refused);
    const late = new AbortController();
    const aborted = bench.exec(`touch ${mark}`, { signal: late.signal, onStart: async () => late.abort() });
    expect((await aborted).result).toEqual({ killed: 'verified' });
    expect((await bench.exec(`test -e ${mark}`)).result).toEqual({ exitCode: 1 });
  });
});

describe.each(places)('the end of a command (guard: %s)', (guard) => {
  let bench: SshBench;
  beforeAll(async () => {
    bench = await createBench(sshd, { guard, killGraceMs: 300 });
  });
  afterAll(() => bench.stop());

  test('an abort ends a command that traps TERM, and its background child', async () => {
    const control = new AbortController();
    const loop = `trap '' TERM; while :; do sleep 0.1; done`;
    const running = bench.exec(`(${loop}) & echo $$; ${loop}`, { signal: control.signal });
    const group = await firstNumber(running);
    expect((await groupMembers(group)).length).toBeGreaterThan(1);
    control.abort('cancelled');
    expect((await running).result).toEqual({ signal: 'KILL', killed: 'verified' });
    expect(await groupMembers(group)).toEqual([]);
  });

  test('a command that obeys TERM ends with its own exit code, and its last words come through', async () => {
    const control = new AbortController();
    const patient = await createBench(sshd, { guard, killGraceMs: 5_000 });
    onTestFinished(() => patient.stop());
    const running = patient.exec(`trap 'echo bye; exit 5' TERM; echo $$; while :; do sleep 0.05; done`, {
      signal: control.signal,
    });
    const group = await firstNumber(running);
    control.abort();
    const { result, stdout } = await running;
    expect(result).toEqual({ exitCode: 5, killed: 'verified' });
    expect(stdout.toString()).toBe(`${group}\nbye\n`);
    expect(await groupMembers(group)).toEqual([]);
  });

  test('an abort right after the start leaves nothing behind', async () => {
    const names = await Promise.all(
      [0, 1, 2, 3, 5, 8, 13, 21].map(async (ms) => {
        const name = `300.${process.pid}${ms}`;
        const control = new AbortController();
        const running = bench.exec(`sleep ${name}`, {
          signal: control.signal,
          onStart: async () => void setTimeout(() => control.abort(), ms),
        });
        expect((await running).result.killed).toBe('verified');
        return name;
      }),
    );
    const { stdout } = await bench.exec('ps -eo args');
    for (const name of names) expect(stdout.toString()).not.toContain(`sleep ${name}`);
  });

  test('output that cannot be handed over ends the command and is the error', async () => {
    const full = new MoltError('MOLT_STORE_DOWN', 'full');
    let group = 0;
    const failing = bench.exec('echo $$; while :; do sleep 0.05; done', {
      onOutput: async (_stream, data) => {
        group = Number(data.toString());
        throw full;
      },
    });
    await expect(failing).rejects.toBe(full);
    expect(group).toBeGreaterThan(1);
    expect(await groupMembers(group)).toEqual([]);
  });
});

describe('much output', () => {
  test('150 MB with a slow reader: whole, and memory stays flat', async () => {
    const hash = createHash('sha256');
    let bytes = 0;
    let peak = 0;
    const before = process.memoryUsage().rss;
    const running = bench.exec(`head -c 150000000 /dev/zero | tr '\\0' 'x'; echo end >&2`, {
      onOutput: async (stream, data) => {
        if (stream === 'stdout') hash.update(data);
        bytes += data.length;
        peak = Math.max(peak, process.memoryUsage().rss);
        await new Promise((resolve) => setTimeout(resolve, 1));
      },
    });
    expect((await running).result).toEqual({ exitCode: 0 });
    expect(bytes).toBe(150_000_000 + 4);
    expect(hash.digest('hex')).toBe(createHash('sha256').update(Buffer.alloc(150_000_000, 'x')).digest('hex'));
    expect(peak - before, 'growth of the memory').toBeLessThan(96 * 1024 * 1024);
  });

  test('while nobody takes it the command waits, on both streams', async () => {
    const gate = Promise.withResolvers<void>();
    let taken = 0;
    const running = bench.exec(`head -c 20000000 /dev/zero >&2 & head -c 20000000 /dev/zero; wait`, {
      onOutput: async (_stream, data) => {
        taken += data.length;
        await gate.promise;
      },
    });
    await eventually('the first output', () => taken > 0);
    expect((await bench.exec('sleep 0.3')).result).toEqual({ exitCode: 0 });
    expect(taken).toBeLessThan(8 * 1024 * 1024);
    gate.resolve();
    expect((await running).result).toEqual({ exitCode: 0 });
    expect(taken).toBe(40_000_000);
  });
});

describe('start-up files', () => {
  test('a login shell that hangs in its start-up file is ended too, and the command never started', async () => {
    const noisy = await startSshd({ user: 'moltbash', shell: '/bin/bash', config: [`SetEnv HOME=${sshd.dir}`] });
    await writeFile(join(sshd.dir, '.bashrc'), `echo noise without end; sleep 300.${process.pid}\n`);
    const slow = await createBench(noisy, { killGraceMs: 300 });
    const control = new AbortController();
    const onStart = async (): Promise<void> => expect.unreachable('it must not start');
    const running = slow.exec('echo never', { signal: control.signal, onStart });
    try {
      await eventually('the start-up file runs', async () =>
        (await bench.exec('ps -eo args')).stdout.includes(`sleep 300.${process.pid}`),
      );
      control.abort('cancelled');
      await expect(running).rejects.toBe('cancelled');
      await eventually(
        'it is gone',
        async () => !(await bench.exec('ps -eo args')).stdout.includes(`sleep 300.${process.pid}`),
      );
    } finally {
      await slow.stop();
      await noisy.stop();
    }
  });

  test('what they print before the command is dropped', async () => {
    const noisy = await startSshd({ user: 'moltbash', shell: '/bin/bash', config: [`SetEnv HOME=${sshd.dir}`] });
    const loud = await createBench(noisy);
    try {
      await writeFile(join(sshd.dir, '.bashrc'), 'echo welcome; printf "no end of line"\n');
      expect((await loud.exec('printf "%s" hello')).stdout.toString()).toBe('hello');
      const direct = { target: { ...loud.target, guard: 'off' } as const };
      expect((await loud.exec('printf "%s" hello', direct)).stdout.toString()).toBe('hello');
    } finally {
      await loud.stop();
      await noisy.stop();
    }
  });

  test('one that ends the login shell ends the command, and what it said is seen', async () => {
    const closed = await startSshd({ user: 'moltbash', shell: '/bin/bash', config: [`SetEnv HOME=${sshd.dir}`] });
    const refused = await createBench(closed);
    try {
      await writeFile(join(sshd.dir, '.bashrc'), 'echo welcome; exit 9\n');
      const { result, stdout } = await refused.exec('echo never');
      expect(result).toEqual({ exitCode: 9 });
      expect(stdout.toString()).toBe('welcome\n');
    } finally {
      await refused.stop();
      await closed.stop();
    }
  });
});

test('it keeps the contract of a service', async () => {
  const { ssh, guard } = bench;
  const log = silentLogger;
  await checkServiceContract(() => createSshTransport({ ssh, guard, log }));
  const unstarted = createSshTransport({ ssh, guard, log });
  const run = { spec: { command: 'true' }, connectMs: 1_000, log, onStart: async () => {}, onOutput: async () => {} };
  const exec = unstarted.exec({ ...run, target: targetOf(sshd), signal: new AbortController().signal });
  await expect(exec).rejects.toMatchObject({ code: 'MOLT_SHUTTING_DOWN' });
});
