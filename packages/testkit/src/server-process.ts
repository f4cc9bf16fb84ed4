import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { eventually } from './eventually.ts';

export interface ServerProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** stdout and stderr go here. */
  readonly logFile: string;
}

/** A real server in the foreground, in a process group of its own, ended by pid. */
export interface ServerProcess {
  readonly pid: number;
  /** Sends a signal to the process alone; resolves when it is gone for KILL and TERM, at once for others. */
  kill(signal: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): Promise<void>;
  exited(): boolean;
  /** The last lines it printed. */
  log(): string;
}

/** Starts a server; whoever starts it ends it. When the process that started it is killed, the kernel ends the server too. */
export function startProcess(options: ServerProcessOptions): ServerProcess {
  const output = openSync(options.logFile, 'a');
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', options.command, ...options.args], {
    env: options.env ?? process.env,
    cwd: options.cwd,
    detached: true,
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  const log = (): string => readFileSync(options.logFile, 'utf8').slice(-4_000);
  child.once('error', () => {});
  if (child.pid === undefined) throw new Error(`${options.command} did not start; is it installed?`);
  return { pid: child.pid, kill: (signal) => killChild(child, signal), exited: () => hasExited(child), log };
}

/** Resolves when the port takes connections. @throws with the log when the process ends first or it takes too long. */
export async function untilListening(server: ServerProcess, port: number, withinMs = 20_000): Promise<void> {
  await eventually(`port ${port} of ${server.pid} (${server.log()})`, () => server.exited() || canConnect(port), {
    withinMs,
  });
  if (server.exited()) throw new Error(`the server ended before it listened:\n${server.log()}`);
}

const hasExited = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

async function killChild(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (hasExited(child)) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill(signal);
  if (signal === 'SIGKILL' || signal === 'SIGTERM') await gone;
}

const canConnect = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
