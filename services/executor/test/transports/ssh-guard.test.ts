import { createHash } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GuardOrder } from '@moltbot/plugin-sdk';
import { type SshTarget, silentLogger } from '@moltbot/shared';
import { eventually, startSshd, startTcpProxy, type TcpProxy, type TestSshd } from '@moltbot/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBufferGarbage } from '../../src/buffer-garbage.ts';
import { createBench, guardOrder, type SshBench } from './ssh-support.ts';
import { type Collecting, firstNumber, groupMembers } from './support.ts';

let sshd: TestSshd;
let marks: string;
let made = 0;

beforeAll(async () => {
  marks = await mkdtemp(join(tmpdir(), 'molt-marks-'));
  await chmod(marks, 0o777);
  sshd = await startSshd();
});
afterAll(async () => {
  await sshd.stop();
  await rm(marks, { recursive: true, force: true });
});

/** A name of its own, and a file that gets one line from each execution. */
const fresh = (): { readonly id: string; readonly mark: string } => {
  const id = `r${process.pid}x${made++}`;
  return { id, mark: join(marks, id) };
};

async function withBench(
  options: Parameters<typeof createBench>[1],
  work: (bench: SshBench) => Promise<void>,
): Promise<void> {
  const bench = await createBench(sshd, options);
  try {
    await work(bench);
  } finally {
    await bench.stop();
  }
}

async function withProxy(work: (proxy: TcpProxy, target: SshTarget) => Promise<void>, bench: SshBench): Promise<void> {
  const proxy = await startTcpProxy(sshd.port);
  try {
    await work(proxy, { ...bench.target, port: proxy.port, hostKey: sshd.hostKeyFingerprint });
  } finally {
    await proxy.stop();
  }
}

const executions = async (mark: string): Promise<number> =>
  (await readFile(mark, 'utf8').catch(() => '')).split('\n').length - 1;

/** Two hundred lines on each stream over about a second and a half, and an exit code. */
const talk = (mark: string): string =>
  `echo x >> ${mark}; i=0; while [ $i -lt 200 ]; do echo out $i; echo err $i >&2; i=$((i+1)); [ $((i % 20)) -ne 0 ] || sleep 0.15; done; exit 9`;
const said = (word: string): string => Array.from({ length: 200 }, (_, index) => `${word} ${index}\n`).join('');

/** Runs it to its end through however many losses, as an executor does: what came is kept, and asked for no more. */
async function toTheEnd(
  bench: SshBench,
  first: { readonly target: SshTarget; readonly id: string; readonly command: string },
) {
  const kept = { stdout: '', stderr: '' };
  let losses = 0;
  for (let mode: GuardOrder['mode'] = 'start'; ; mode = 'resume') {
    const from = { stdout: kept.stdout.length, stderr: kept.stderr.length };
    const guard = {
      ...guardOrder(first.id),
      mode,
      from,
      onAttached: (at: GuardOrder['from']) => expect(at).toEqual(from),
    };
    const running = bench.transport.exec({
      target: first.target,
      spec: { command: first.command },
      connectMs: 10_000,
      signal: new AbortController().signal,
      log: silentLogger,
      guard,
      onStart: async () => {},
      onOutput: async (stream, data) => {
        kept[stream] += data.toString();
      },
    });
    try {
      return { result: await running, ...kept, losses };
    } catch (error) {
      if (losses > 20) throw error;
      losses++;
    }
  }
}

describe('a guarded command', () => {
  test('gives what a plain one gives', () =>
    withBench({}, async (bench) => {
      const { id } = fresh();
      const { result, stdout, stderr } = await bench.exec(`printf 'a\\0b\\377'; printf 'e\\r\\n' >&2; cat; exit 7`, {
        guard: guardOrder(id),
        spec: { stdin: 'in' },
      });
      expect(result).toEqual({ exitCode: 7 });
      expect(stdout).toEqual(Buffer.from([0x61, 0, 0x62, 0xff, 0x69, 0x6e]));
      expect(stderr.toString()).toBe('e\r\n');
    }));

  test('is lost at once when its connection is cut, and is found again: whole output, one execution', () =>
    withBench({}, (bench) =>
      withProxy(async (proxy, target) => {
        const { id, mark } = fresh();
        const cutting = (async () => {
          for (let cut = 1; cut <= 3; cut++) {
            await eventually('it is connected', () => proxy.connections() > 0);
            await bench.exec('sleep 0.25');
            proxy.cut();
            proxy.heal();
          }
        })();
        const { result, stdout, stderr, losses } = await toTheEnd(bench, { target, id, command: talk(mark) });
        await cutting;
        expect(result).toEqual({ exitCode: 9 });
        expect([stdout, stderr]).toEqual([said('out'), said('err')]);
        expect(losses).toBeGreaterThan(0);
        expect(await executions(mark)).toBe(1);
      }, bench),
    ));

  test('behind a network that goes silent is noticed by keepalive, and found again', () =>
    withBench({ keepaliveMs: 100 }, (bench) =>
      withProxy(async (proxy, target) => {
        const { id, mark } = fresh();
        const ending = toTheEnd(bench, { target, id, command: talk(mark) });
        await eventually('it runs', async () => (await executions(mark)) === 1);
        proxy.freeze();
        await eventually('the connection is given up', () =>
          bench.logged().some(({ msg }) => msg === 'SSH connection closed'),
        );
        proxy.cut();
        proxy.heal();
        const { result, stdout, stderr, losses } = await ending;
        expect(result).toEqual({ exitCode: 9 });
        expect([stdout, stderr]).toEqual([said('out'), said('err')]);
        expect(losses).toBeGreaterThan(0);
        expect(await executions(mark)).toBe(1);
      }, bench),
    ));

  test('outlives the session of its host', async () => {
    const own = await startSshd();
    const bench = await createBench(own);
    try {
      const { id, mark } = fresh();
      const goesOn = `${mark}.go`;
      const command = talk(mark).replace('; exit 9', `; while [ ! -e ${goesOn} ]; do sleep 0.05; done; exit 9`);
      const ending = toTheEnd(bench, { target: bench.target, id, command });
      await eventually('it runs', async () => (await executions(mark)) === 1);
      await own.killSessions();
      await writeFile(goesOn, '');
      const { result, stdout, stderr, losses } = await ending;
      expect(result).toEqual({ exitCode: 9 });
      expect([stdout, stderr]).toEqual([said('out'), said('err')]);
      expect(losses).toBe(1);
      expect(await executions(mark)).toBe(1);
    } finally {
      await bench.stop();
      await own.stop();
    }
  });

  test('that is started twice runs once', () =>
    withBench({}, async (bench) => {
      const { id, mark } = fresh();
      const all = Array.from({ length: 6 }, () =>
        bench.exec(talk(mark), { guard: { ...guardOrder(id), mode: 'resume' } }),
      );
      for (const { result, stdout, stderr } of await Promise.all(all)) {
        expect(result).toEqual({ exitCode: 9 });
        expect([stdout.toString(), stderr.toString()]).toEqual([said('out'), said('err')]);
      }
      expect(await executions(mark)).toBe(1);
    }));
});

describe('a cancel', () => {
  const running = async (
    bench: SshBench,
    id: string,
    signal: AbortSignal,
  ): Promise<{ readonly run: Collecting; readonly group: number }> => {
    const run = bench.exec(`trap '' TERM; echo $$; while :; do sleep 0.1; done`, { guard: guardOrder(id), signal });
    return { run, group: await firstNumber(run) };
  };

  test('ends the whole group, and whoever is attached sees it', () =>
    withBench({ killGraceMs: 200 }, async (bench) => {
      const { id } = fresh();
      const control = new AbortController();
      const { run, group } = await running(bench, id, control.signal);
      const other = bench.exec('never sent', { guard: { ...guardOrder(id), mode: 'attach' } });
      await firstNumber(other);
      control.abort();
      expect((await run).result).toMatchObject({ killed: 'verified', endedBy: 'cancel' });
      expect((await other).result).toMatchObject({ endedBy: 'cancel' });
      expect(await groupMembers(group)).toEqual([]);
    }));

  test.each([
    ['cancelled', 'cancel'],
    ['timed-out', 'timeout'],
    ['deadline', 'timeout'],
    ['idle', 'timeout'],
  ] as const)('for the reason %s is seen as a %s by whoever looks later', (reason, endedBy) =>
    withBench({ killGraceMs: 200 }, async (bench) => {
      const { id } = fresh();
      const control = new AbortController();
      const { run } = await running(bench, id, control.signal);
      control.abort(reason);
      expect((await run).result).toMatchObject({ killed: 'verified', endedBy });
      const later = bench.exec('never sent', { guard: { ...guardOrder(id), mode: 'attach' } });
      expect((await later).result).toMatchObject({ killed: 'verified', endedBy });
    }),
  );

  test.each(['resume', 'attach'] as const)(
    'from another transport that is to %s reaches it, though its signal aborted before',
    (mode) =>
      withBench({ killGraceMs: 200 }, (first) =>
        withBench({ killGraceMs: 200 }, async (second) => {
          const { id } = fresh();
          const { run, group } = await running(first, id, new AbortController().signal);
          const guard = { ...guardOrder(id), mode };
          const cancel = second.exec('never sent', { guard, signal: AbortSignal.abort() });
          expect((await cancel).result).toMatchObject({ killed: 'verified', endedBy: 'cancel' });
          expect((await run).result).toMatchObject({ endedBy: 'cancel' });
          expect(await groupMembers(group)).toEqual([]);
        }),
      ),
  );

  test('that does not get through says nothing, and reaches the command later', () =>
    withBench({ killGraceMs: 200, killVerdictMs: 500 }, (bench) =>
      withProxy(async (proxy, target) => {
        const { id } = fresh();
        const control = new AbortController();
        const run = bench.exec('echo $$; sleep 600', { target, guard: guardOrder(id), signal: control.signal });
        const group = await firstNumber(run);
        proxy.freeze();
        control.abort('cancelled');
        await expect(run).rejects.toMatchObject({ code: 'MOLT_SSH_LOST' });
        expect(await groupMembers(group)).not.toEqual([]);
        const guard = { ...guardOrder(id), mode: 'resume' as const };
        proxy.cut();
        proxy.heal();
        const again = bench.exec('never sent', { target, guard, signal: control.signal });
        expect((await again).result).toMatchObject({ killed: 'verified', endedBy: 'cancel' });
        expect(await groupMembers(group)).toEqual([]);
      }, bench),
    ));

  test('of what never started keeps it from starting', () =>
    withBench({}, async (bench) => {
      const { id, mark } = fresh();
      const guard = { ...guardOrder(id), mode: 'resume' as const };
      await bench.exec(`echo x >> ${mark}`, { guard, signal: AbortSignal.abort() }).catch(() => {});
      await expect(bench.exec(`echo x >> ${mark}`, { guard: guardOrder(id) })).rejects.toMatchObject({
        code: 'MOLT_RUN_CANCELLED',
      });
      expect(await executions(mark)).toBe(0);
    }));
});

describe('a guarded command that is let go', () => {
  test('goes on when the transport stops, and another one attaches to it', () =>
    withBench({}, async (second) => {
      const first = await createBench(sshd);
      const { id, mark } = fresh();
      const release = new AbortController();
      const running = first.exec(talk(mark), { guard: guardOrder(id), release: release.signal });
      await eventually('it speaks', () => running.stdout().length > 0);
      release.abort();
      await expect(running).rejects.toMatchObject({ code: 'MOLT_SHUTTING_DOWN' });
      await first.stop();
      const { result, stdout, stderr } = await second.exec('never sent', {
        guard: { ...guardOrder(id), mode: 'attach' },
      });
      expect(result).toEqual({ exitCode: 9 });
      expect([stdout.toString(), stderr.toString()]).toEqual([said('out'), said('err')]);
      expect(await executions(mark)).toBe(1);
    }));

  test('before it was sent never starts', () =>
    withBench({ channelsPerConnection: 1 }, async (bench) => {
      const { id, mark } = fresh();
      const control = new AbortController();
      const holding = bench.exec('echo $$; sleep 300', { signal: control.signal });
      await firstNumber(holding);
      const release = new AbortController();
      const waiting = bench.exec(talk(mark), { guard: guardOrder(id), release: release.signal });
      release.abort();
      await expect(waiting).rejects.toMatchObject({ code: 'MOLT_SHUTTING_DOWN' });
      control.abort();
      await holding;
      await bench.exec('true');
      expect(await executions(mark)).toBe(0);
    }));
});

describe('what is forgotten', () => {
  test('is gone from the disk soon, but the host knows that it ran', () =>
    withBench({}, async (bench) => {
      const { id, mark } = fresh();
      const record = join(bench.guard.directory, 'run', `${id}.1.`);
      const listing = async (): Promise<string> =>
        (await bench.exec(`ls -d ${record}*; wc -c ${record}* | tail -n 1`)).stdout.toString();
      await bench.exec(`echo x >> ${mark}; head -c 100000 /dev/zero`, { guard: guardOrder(id) });
      expect(await listing()).toMatch(/1\d{5} total/);
      bench.transport.forget?.(bench.target, { id, attempt: 1 });
      await eventually('the output is gone', async () => !/1\d{5} total/.test(await listing()));
      const { result, stdout } = await bench.exec('never sent', { guard: { ...guardOrder(id), mode: 'attach' } });
      expect([result, stdout.length]).toEqual([{ exitCode: 0 }, 0]);
      expect(await executions(mark)).toBe(1);
    }));

  test('opens no connection', () =>
    withBench({}, async (bench) => {
      for (let index = 0; index < 100; index++)
        bench.transport.forget?.(bench.target, { id: `none${index}`, attempt: 1 });
      expect(bench.logged()).toEqual([]);
    }));
});

describe('much output', () => {
  test.each(['plain', 'guarded'])('100 MB of a %s command: whole, and memory stays flat', (kind) =>
    withBench({}, async (bench) => {
      const hash = createHash('sha256');
      // As the executor has it: dead buffers are collected before V8 would look.
      const collectAfter = createBufferGarbage();
      let peak = 0;
      // What the first megabytes leave in the heap stays flat from there on.
      await bench.exec('head -c 20000000 /dev/zero');
      const before = process.memoryUsage().rss;
      const running = bench.transport.exec({
        target: bench.target,
        spec: { command: `head -c 100000000 /dev/zero | tr '\\0' 'x'` },
        connectMs: 10_000,
        signal: new AbortController().signal,
        log: silentLogger,
        guard: kind === 'guarded' ? guardOrder(fresh().id) : undefined,
        onStart: async () => {},
        onOutput: async (_stream, data) => {
          hash.update(data);
          collectAfter(data.length);
          peak = Math.max(peak, process.memoryUsage().rss);
          await new Promise((resolve) => setImmediate(resolve));
        },
      });
      expect(await running).toEqual({ exitCode: 0 });
      expect(hash.digest('hex')).toBe(createHash('sha256').update(Buffer.alloc(100_000_000, 'x')).digest('hex'));
      expect(peak - before, 'growth of the memory').toBeLessThan(60 * 1024 * 1024);
    }),
  );
});
