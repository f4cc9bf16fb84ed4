import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, startSshd, type TestSshd } from '@moltbot/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBench, guardOrder, type SshBench } from './ssh-support.ts';
import { firstNumber, groupMembers } from './support.ts';

let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'molt-resident-'));
  await chmod(dir, 0o755);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const onStart = async (): Promise<void> => expect.unreachable('it must not start');

type Options = Parameters<typeof createBench>[1] & { readonly config?: readonly string[]; readonly user?: string };

/** An own sshd that logs its sessions. */
async function withHost(
  { config = [], user, shell, ...options }: Options & { readonly shell?: string },
  work: (bench: SshBench, sshd: TestSshd) => Promise<void>,
): Promise<void> {
  const login = { ...(user && { user }), ...(shell && { shell }) };
  const sshd = await startSshd({ config: [...config, 'LogLevel VERBOSE'], ...login });
  const bench = await createBench(sshd, options);
  try {
    await work(bench, sshd);
  } finally {
    await bench.stop();
    await sshd.stop();
  }
}

async function sessions(sshd: TestSshd): Promise<{ readonly begun: number; readonly open: number }> {
  const log = await readFile(join(sshd.dir, 'log'), 'utf8');
  const begun = log.split('Starting session: ').length - 1;
  return { begun, open: begun - (log.split('Close session: ').length - 1) };
}

async function script(name: string, text: string): Promise<string> {
  const file = join(dir, name);
  await writeFile(file, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return file;
}

const linesOf = async (file: string): Promise<number> => (await readFile(file, 'utf8')).split('\n').length - 1;

describe('a shell that stays', () => {
  test('takes one command after the other in one session', () =>
    withHost({}, async (bench, sshd) => {
      for (let index = 0; index < 20; index++) {
        const { result, stdout } = await bench.exec(`echo ${index}; exit ${index}`);
        expect([result.exitCode, stdout.toString()]).toEqual([index, `${index}\n`]);
      }
      expect(await sessions(sshd)).toEqual({ begun: 1, open: 1 });
    }));

  test('is one of at most channelsPerConnection, and each is used again', () =>
    withHost({ channelsPerConnection: 3 }, async (bench, sshd) => {
      const all = Array.from({ length: 40 }, (_, index) => bench.exec(`echo ${index}`));
      expect((await Promise.all(all)).map(({ stdout }) => stdout.toString())).toEqual(all.map((_, i) => `${i}\n`));
      expect(await sessions(sshd)).toEqual({ begun: 3, open: 3 });
    }));

  test('makes the target ready for a command while it waits for one', () =>
    withHost({ channelsPerConnection: 1 }, async ({ transport, target, exec }) => {
      expect(transport.isReady(target)).toBe(false);
      await exec('true');
      expect(transport.isReady(target)).toBe(true);
      const running = exec('true', { onStart: async () => expect(transport.isReady(target)).toBe(false) });
      expect((await running).result).toEqual({ exitCode: 0 });
      expect(transport.isReady({ ...target, user: 'somebody-else' })).toBe(false);
    }));

  test('is closed when nobody needs it, while its connection lives on', () =>
    withHost({ idleCloseMs: 400 }, async (bench, sshd) => {
      await Promise.all(Array.from({ length: 4 }, () => bench.exec('sleep 0.1')));
      expect((await sessions(sshd)).begun).toBe(4);
      await eventually('only the one in use is left', async () => {
        await bench.exec('true');
        return (await sessions(sshd)).open === 1;
      });
      expect(bench.logged().filter(({ msg }) => msg === 'SSH connection open')).toHaveLength(1);
    }));

  test('that was killed over there is replaced', () =>
    withHost({}, async (bench, sshd) => {
      const { stdout } = await bench.exec('echo $PPID');
      await bench.exec(`kill -KILL ${stdout}; sleep 300`).catch(() => {});
      expect((await bench.exec('echo again')).stdout.toString()).toBe('again\n');
      expect((await sessions(sshd)).begun).toBe(2);
    }));

  test('with every session taken by shells that wait, a cancel still reaches its command', () =>
    withHost({ config: ['MaxSessions 3'], killGraceMs: 300 }, async (bench) => {
      await Promise.all(Array.from({ length: 3 }, () => bench.exec('sleep 0.1')));
      const control = new AbortController();
      const running = bench.exec('echo $$; sleep 300', { signal: control.signal });
      const group = await firstNumber(running);
      control.abort();
      expect((await running).result.killed).toBe('verified');
      expect(await groupMembers(group)).toEqual([]);
    }));
});

describe('a host that grants few sessions', () => {
  test('runs every command once, and its sessions are used again', () =>
    withHost({ config: ['MaxSessions 3'] }, async (bench, sshd) => {
      const mark = join(dir, 'few');
      await writeFile(mark, '');
      await chmod(mark, 0o666);
      const all = Array.from({ length: 30 }, (_, index) => bench.exec(`echo ${index} | tee -a ${mark}`));
      expect((await Promise.all(all)).map(({ stdout }) => stdout.toString())).toEqual(all.map((_, i) => `${i}\n`));
      expect(await linesOf(mark)).toBe(30);
      const { begun } = await sessions(sshd);
      expect(begun).toBeLessThanOrEqual(4);
      await Promise.all(Array.from({ length: 30 }, () => bench.exec('true')));
      expect((await sessions(sshd)).begun).toBe(begun);
    }));
});

describe('a host that runs no shell of ours', () => {
  test('because of a forced command: it is asked once, and plain commands go as they can', async () => {
    const seen = join(dir, 'forced');
    await writeFile(seen, '');
    await chmod(seen, 0o666);
    const forced = await script('forced.sh', `echo x >> ${seen}\necho forced\nexit 4`);
    await withHost({ config: [`ForceCommand ${forced}`] }, async (bench) => {
      const first = await Promise.all([bench.exec('true'), bench.exec('true'), bench.exec('true')]);
      for (const { result, stdout } of first) {
        expect([result, stdout.toString()]).toEqual([{ exitCode: 4 }, 'forced\n']);
      }
      expect(await linesOf(seen)).toBe(4);
      expect(bench.transport.isReady(bench.target)).toBe(true);
      await expect(bench.exec('true', { onStart, guard: guardOrder('forced') })).rejects.toMatchObject({
        code: 'MOLT_NO_GUARD',
        message: expect.stringContaining(bench.target.name),
      });
      await expect(bench.exec('true', { needsShell: true })).rejects.toMatchObject({ code: 'MOLT_NO_GUARD' });
      expect(await linesOf(seen)).toBe(4);
    });
    await withHost({ config: [`ForceCommand ${forced}`] }, async ({ exec, target }) => {
      expect((await exec('true', { target: { ...target, guard: 'off' } })).result).toEqual({ exitCode: 4 });
      expect(await linesOf(seen), 'where no record is kept nothing is tried').toBe(5);
    });
  });

  test('because nobody may log in: the exit code is the command’s, and nothing guarded starts', () =>
    withHost({ user: 'moltfalse', shell: '/bin/false' }, async ({ exec }) => {
      await expect(exec('true', { onStart, guard: guardOrder('false') })).rejects.toMatchObject({
        code: 'MOLT_NO_GUARD',
      });
      expect((await exec('true')).result).toEqual({ exitCode: 1 });
    }));

  test('because it is silent for now: nobody is told that it keeps no records, and the next command asks again', async () => {
    const silent = join(dir, 'silent');
    await writeFile(silent, '');
    const command = await script(
      'silent.sh',
      `[ ! -e ${silent} ] || exec sleep 300\nexec /bin/sh -c "$SSH_ORIGINAL_COMMAND"`,
    );
    await withHost({ config: [`ForceCommand ${command}`] }, async ({ exec, target }) => {
      await expect(exec('true', { onStart, guard: guardOrder('silent-1') })).rejects.toMatchObject({
        code: 'MOLT_SSH_TIMEOUT',
        message: expect.stringContaining(target.name),
      });
      await rm(silent);
      expect((await exec('exit 3', { guard: guardOrder('silent-2') })).result).toEqual({ exitCode: 3 });
    });
  });

  test('what was sent before is not said to have never started', () =>
    withHost({ user: 'moltfalse', shell: '/bin/false' }, async ({ exec }) => {
      const resumed = exec('true', { guard: { ...guardOrder('resumed'), mode: 'resume' } });
      await expect(resumed).rejects.toMatchObject({ code: 'MOLT_SSH_LOST' });
    }));

  test('a login shell that is no POSIX shell still starts ours', async () => {
    const odd = await script(
      'odd.sh',
      `case $SSH_ORIGINAL_COMMAND in *'$('*|*'$$'*|*'export '*|*'{'*|*'='*) echo 'odd: not understood' >&2; exit 127;; esac
exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"`,
    );
    await withHost({ config: [`ForceCommand ${odd}`], killGraceMs: 300 }, async ({ exec }) => {
      const env = { A: 'x y' };
      expect((await exec('echo "$A" $((1 + 1))', { spec: { env } })).stdout.toString()).toBe('x y 2\n');
      const control = new AbortController();
      const running = exec('echo $$; sleep 300', { signal: control.signal });
      const group = await firstNumber(running);
      control.abort();
      expect((await running).result.killed).toBe('verified');
      expect(await groupMembers(group)).toEqual([]);
    });
  });
});
