import { readFile, readlink } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { silentLogger, systemClock } from '@moltbot/shared';
import { eventually } from '@moltbot/testkit';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openExchange } from '../../src/transports/shell/exchange.ts';
import { openResident, type ResidentShell } from '../../src/transports/shell/resident.ts';
import { openWire } from '../../src/transports/shell/wire.ts';
import { createShellBench, type ShellBench } from './shell-support.ts';
import { isAlive } from './support.ts';

let bench: ShellBench;
beforeAll(async () => {
  bench = await createShellBench({ command: 'exec bash --norc --noprofile -s', env: { SHELL: '/bin/bash' } });
});
afterAll(() => bench.stop());

interface Spared {
  readonly shell: ResidentShell;
  readonly pid: number;
  /** The process that waits for the next command. */
  spare(): Promise<number>;
  print(command: string): Promise<string>;
}

async function open(own: ShellBench = bench): Promise<Spared> {
  const shell = await own.open();
  const print = async (command: string): Promise<string> =>
    (await own.run(shell, { command })).stdout.toString().trimEnd();
  const pid = Number(await print('echo $PPID'));
  const children = async (): Promise<readonly string[]> =>
    (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ').filter(Boolean);
  const spare = (): Promise<number> =>
    eventually('one that waits', async () => {
      const [found, ...others] = await children();
      return found && others.length === 0 && (await sleeps(found)) ? Number(found) : undefined;
    });
  return { shell, pid, spare, print };
}

/** It has its own input already, and sleeps: it reads. */
const sleeps = async (pid: string): Promise<boolean> => {
  const input = await readlink(`/proc/${pid}/fd/0`).catch(() => '');
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return input === '/dev/null' && stat.includes(') S ');
};

test('a command is taken by a process that was there before it, and leads its own group', async () => {
  const { spare, print } = await open();
  for (let round = 0; round < 3; round += 1) {
    const waiting = await spare();
    expect(await print('echo $$; ps -o pgid= -p $$')).toMatch(new RegExp(`^${waiting}\\n *${waiting}$`));
  }
  expect(await print('env | grep -c ^M_; set | grep -c "^M_line="; ls /proc/self/fd | grep -cx 8')).toBe('0\n0\n0');
});

test('each command has random numbers of its own', async () => {
  const { print } = await open();
  const numbers = [await print('echo "$RANDOM:$RANDOM"'), await print('echo "$RANDOM:$RANDOM"')];
  numbers.push(await print('echo "$RANDOM:$RANDOM"'));
  expect(new Set(numbers).size).toBe(3);
});

test('a spare that is killed costs nobody anything: the shell runs the command, once', async () => {
  const { spare, shell } = await open();
  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    process.kill(await spare(), signal);
    const { result, stdout, stderr } = await bench.run(shell, { command: 'echo out; echo err >&2; exit 3' });
    expect([result, stdout.toString(), stderr.toString()]).toEqual([{ exitCode: 3 }, 'out\n', 'err\n']);
  }
});

test('a guarded command finds the shell itself, and so does the plain one after it', async () => {
  const { shell, print, spare } = await open();
  for (let round = 1; round <= 3; round += 1) {
    await spare();
    const guard = { id: `mixed-${round}` };
    const { result, stdout, stderr } = await bench.run(shell, { command: 'echo kept; exit 4', guard });
    expect([result, stdout.toString(), stderr.toString()]).toEqual([{ exitCode: 4 }, 'kept\n', '']);
    shell.forget([{ id: guard.id, attempt: 1 }]);
    expect(await print('echo plain')).toBe('plain');
  }
});

test('a command cannot learn by what its end is told', async () => {
  const { print } = await open();
  const tell = `trap 'printf "[%s]" "$@"' RETURN EXIT; return 0`;
  for (let round = 0; round < 3; round += 1) expect(await print(tell)).not.toMatch(/[\w-]{22}/);
  expect(await print('set -o posix; set | grep -cE "^M_(nonce|line)="')).toBe('0');
});

test('a cancel reaches a guarded command that waits for the shell to take its lines back', async () => {
  const { shell, pid, spare } = await open();
  await spare();
  const control = new AbortController();
  process.kill(pid, 'SIGSTOP');
  const running = bench.run(shell, { guard: { id: 'stuck' }, signal: control.signal });
  const refused = expect(running).rejects.toBe('cancelled');
  control.abort('cancelled');
  await refused;
  process.kill(pid, 'SIGCONT');
  expect(shell.isReusable()).toBe(false);
});

test('a line that was read by a spare which then died is given up', async () => {
  const told: string[] = [];
  const ended = Promise.withResolvers<void>();
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const say = (words: string): void => {
    stdout.write(`\x1eMOLT ${words}\n`);
    stderr.write(`\x1eMOLT ${words}\n`);
  };
  const clock = { ...systemClock, sleep: async (ms: number) => void told.push(`slept ${ms}`) };
  const channel = {
    ...{ stdout, stderr, ended: ended.promise },
    write(text: string) {
      const [, nonce] = /^M_(?:hello|plain) ([\w-]+) .*\n$/m.exec(text) ?? [];
      setImmediate(() => say(text.startsWith('M_plain') ? `${nonce} end 137 0 41` : `${nonce} hello job spares`));
    },
    close() {
      told.push('closed');
      stdout.end();
      stderr.end();
      ended.resolve();
    },
  };
  const waits = { ...systemClock, sleep: () => new Promise<void>(() => {}) };
  const options = { directory: '/nowhere', retentionMs: 1, clock: waits, log: silentLogger };
  const shell = await openResident(channel, options);
  Object.assign(waits, clock);
  await expect(bench.run(shell, { command: 'true' })).rejects.toMatchObject({ code: 'MOLT_SSH_LOST' });
  expect(told).toEqual(['slept 5000', 'closed']);
});

test('output is forgotten while a spare waits', async () => {
  const { shell, print, spare } = await open();
  await bench.run(shell, { command: 'echo kept', guard: { id: 'old' } });
  await print('true');
  await spare();
  expect(await bench.record('old.1.out')).toBe('kept\n');
  shell.forget([{ id: 'old', attempt: 1 }]);
  await eventually('it is gone', async () => (await bench.record('old.1.out')) === '');
  expect(await print('echo on')).toBe('on');
});

test('a shell that is closed leaves no process', async () => {
  const { shell, pid, spare } = await open();
  const waiting = await spare();
  shell.close();
  await eventually('both are gone', async () => !(await isAlive(pid)) && !(await isAlive(waiting)));
});

test('a time-out of the host for whoever is idle does not end it', async () => {
  const hasty = await createShellBench({
    command: 'exec bash --norc --noprofile -s',
    env: { SHELL: '/bin/bash', TMOUT: '1' },
  });
  const { spare, print } = await open(hasty);
  const waiting = await spare();
  const since = performance.now();
  await eventually('more than its time', () => performance.now() - since > 1_300);
  expect(await print('echo $$')).toBe(String(waiting));
  await hasty.stop();
});

test('whatever is in a command, its environment or its directory, a spare reads it whole', async () => {
  const { shell } = await open();
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.string({
      unit: fc.constantFrom('\n', "'", '"', '\\', '$', '`', ' ', '\t', '\r', '\u001e', '!', '%', 'é', '語', 'n'),
    }),
  );
  const word = text.map((some) => some.replaceAll('\0', '').toWellFormed());
  await fc.assert(
    fc.asyncProperty(word, word, async (first, second) => {
      const command = `printf '%s|%s' '${first.replaceAll("'", `'\\''`)}' "$B"`;
      const { result, stdout } = await bench.run(shell, { command, env: { B: second } });
      expect([result, stdout.toString()]).toEqual([{ exitCode: 0 }, `${first}|${second}`]);
    }),
    { numRuns: 150 },
  );
});

test('the end of a process that never had the command is not that of the command, in whatever order streams come', async () => {
  const ended = Promise.withResolvers<void>();
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const wire = openWire({ stdout, stderr, ended: ended.promise, write: () => {}, close: () => {} });
  let started: string | undefined;
  const exchange = openExchange(
    wire,
    { target: { name: 'web-1' }, onOutput: async () => {} },
    ([, pid]) => {
      started = pid;
    },
    { nonce: 'n', endOf: ([, , , pid]) => (pid === started ? pid : undefined) },
  );
  let isFinished = false;
  void exchange.finished.then(() => {
    isFinished = true;
  });
  const say = async (stream: PassThrough, words: string): Promise<void> => {
    stream.write(`\x1eMOLT n ${words}\n`);
    await eventually('it is read', () => stream.readableLength === 0);
  };
  await say(stdout, 'end 137 0 41');
  await say(stderr, 'end 41');
  await say(stdout, 'started 42');
  await say(stdout, 'end 7 0 42');
  expect(isFinished).toBe(false);
  await say(stderr, 'end 42');
  expect(await exchange.finished).toEqual(['end', '7', '0', '42']);
});
