import { mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GuardOrder, OutputStream, TransportResult, TransportRun } from '@moltbot/plugin-sdk';
import { type Clock, silentLogger, systemClock } from '@moltbot/shared';
import { eventually } from '@moltbot/testkit';
import { openLocalChannel, runProgram } from '../../src/transports/local-shell.ts';
import { openResident, type ResidentShell } from '../../src/transports/shell/resident.ts';
import { localTarget } from './support.ts';

export interface Outcome {
  readonly result: TransportResult;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  readonly at: Readonly<Record<OutputStream, number>> | undefined;
}

/** A command under way: what it has printed so far can be looked at. */
export interface UnderWay extends Promise<Outcome> {
  stdout(): string;
}

export type Asked = Partial<Omit<TransportRun, 'guard' | 'spec'>> &
  Partial<TransportRun['spec']> & { readonly guard?: Partial<GuardOrder> };

/** Resident shells of one kind on this machine, with records in a directory of their own. */
export interface ShellBench {
  readonly directory: string;
  open(): Promise<ResidentShell>;
  run(shell: ResidentShell, asked: Asked): UnderWay;
  /** In a shell of its own. */
  once(asked: Asked): UnderWay;
  /** The text of a file of a record; empty when there is none. */
  record(name: string): Promise<string>;
  stop(): Promise<void>;
}

export interface ShellKind {
  /** What `/bin/sh -c` is given. */
  readonly command: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The program finds no /proc, as on macOS and the BSDs. Default false. */
  readonly isWithoutProc?: boolean;
  /** The program that is read instead, for moments that are rare. */
  readonly altered?: (program: string) => string;
  /** Default: the system's. */
  readonly clock?: Clock;
}

/** A directory for PATH with all programs of the host but these; whoever asks removes it. */
export async function pathWithout(names: readonly string[]): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'molt-path-'));
  const all = await readdir('/usr/bin');
  await Promise.all(
    all.filter((name) => !names.includes(name)).map((name) => symlink(`/usr/bin/${name}`, join(directory, name))),
  );
  return directory;
}

export async function createShellBench(options: ShellKind): Promise<ShellBench> {
  const directory = await mkdtemp(join(tmpdir(), 'molt-guard-'));
  const env = { HOME: directory, SHELL: '/bin/sh', PATH: '/usr/bin:/bin', ...options.env };
  const shells: ResidentShell[] = [];
  const asRead = (text: string): string => {
    const read = options.isWithoutProc ? text.replaceAll('/proc/', '/no/proc/') : text;
    return options.altered && read.includes('M_arm()') ? options.altered(read) : read;
  };
  const open = async (): Promise<ResidentShell> => {
    const channel = await openLocalChannel(env, systemClock, options.command);
    const write = (text: string): void => channel.write(asRead(text));
    const shell = await openResident(
      { ...channel, write },
      {
        directory,
        retentionMs: 3_600_000,
        clock: options.clock ?? systemClock,
        log: silentLogger,
      },
    );
    shells.push(shell);
    return shell;
  };
  const run = (shell: ResidentShell, asked: Asked): UnderWay => {
    const { command = 'true', env: added, cwd, stdin, guard, ...rest } = asked;
    const chunks: Record<OutputStream, Buffer[]> = { stdout: [], stderr: [] };
    let at: Outcome['at'];
    const order: GuardOrder | undefined = guard && {
      id: 'run',
      attempt: 1,
      mode: 'start',
      from: { stdout: 0, stderr: 0 },
      totalMs: 0,
      onAttached: (found) => {
        at = found;
      },
      ...guard,
    };
    const running = shell.exec({
      run: {
        target: localTarget,
        spec: { command, env: added, cwd, stdin },
        connectMs: 5_000,
        signal: new AbortController().signal,
        log: silentLogger,
        guard: order,
        onStart: async () => {},
        onOutput: async (stream, data) => void chunks[stream].push(Buffer.from(data)),
        ...rest,
      },
      kill: { graceMs: 300, verdictMs: 8_000 },
      aside: (program, signal) => runProgram(asRead(program), env, signal),
    });
    const outcome = running.then((result) => ({
      result,
      stdout: Buffer.concat(chunks.stdout),
      stderr: Buffer.concat(chunks.stderr),
      at,
    }));
    return Object.assign(outcome, { stdout: () => Buffer.concat(chunks.stdout).toString() });
  };
  return {
    directory,
    open,
    run,
    once: (asked) => {
      const opened = open();
      let under: UnderWay | undefined;
      const outcome = opened.then((shell) => {
        under = run(shell, asked);
        return under;
      });
      return Object.assign(outcome, { stdout: () => under?.stdout() ?? '' });
    },
    record: (name) => readFile(join(directory, 'run', name), 'utf8').catch(() => ''),
    async stop() {
      for (const shell of shells) shell.close();
      await eventually('the directory can be removed', async () => {
        await rm(directory, { recursive: true, force: true });
        return (await readdir(directory).catch(() => [])).length === 0;
      });
    },
  };
}
