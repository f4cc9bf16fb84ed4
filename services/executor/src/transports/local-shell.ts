import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { Clock } from '@moltbot/shared';
import { residentCommand, type ShellChannel } from './shell/resident.ts';

export type Environment = Readonly<Record<string, string>>;

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** What a shell that has ended left in its pipes is read for so long; whoever still holds them is not waited for, ms. */
const lastOutputMs = 200;

/**
 * A shell on this host for resident use, in a session of its own, so that what it started outlives this process.
 * @throws the error of spawn(2)
 */
export async function openLocalChannel(
  env: Environment,
  clock: Clock,
  command: string = residentCommand(),
): Promise<ShellChannel> {
  const child = spawn('/bin/sh', ['-c', command], {
    env: { ...env },
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const { stdin, stdout, stderr } = child;
  // It may end without reading its input.
  stdin.on('error', () => {});
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await started(child);
  const drop = (): void => {
    stdout.destroy();
    stderr.destroy();
  };
  const silent = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const ended = exited.then(() => Promise.race([silent, clock.sleep(lastOutputMs)])).then(drop);
  return {
    stdout,
    stderr,
    ended,
    write: (text) => void stdin.write(text),
    close() {
      stdin.end();
      drop();
    },
  };
}

const started = (child: Child): Promise<void> =>
  new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });

/** Runs a program of `/bin/sh`, and gives what it printed. @throws the reason of `signal`, or the error of spawn(2) */
export async function runProgram(program: string, env: Environment, signal: AbortSignal): Promise<string> {
  const child = spawn('/bin/sh', ['-c', program], { env: { ...env }, stdio: ['ignore', 'pipe', 'ignore'] });
  const kill = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', kill, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    const output = await child.stdout.setEncoding('utf8').toArray();
    signal.throwIfAborted();
    return output.join('');
  } finally {
    signal.removeEventListener('abort', kill);
  }
}
