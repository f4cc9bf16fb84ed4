import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { eventually } from '@moltbot/testkit';

const checkout = join(import.meta.dirname, '..');
/** What a newcomer's shell finds: the machine's own node and npm, nothing of this checkout. */
export const machinePath: string = (process.env['PATH'] ?? '')
  .split(delimiter)
  .filter((folder) => !/node_modules|node-gyp-bin/.test(folder))
  .join(delimiter);

/** `npm start`, typed by somebody. */
export interface Start {
  readonly startedAt: number;
  output(): string;
  /** Resolves to what the first group of the pattern finds in the output. */
  says(what: string, pattern: RegExp): Promise<string>;
  /** To the whole process group: what a terminal does for Ctrl-C, and a machine that loses its power. */
  signal(signal: 'SIGINT' | 'SIGKILL'): void;
  ended(): Promise<{ readonly code: number | null; readonly signal: string | null }>;
  /** Kills what is left of it. */
  dispose(): void;
}

export interface StartOptions {
  /** After `--`. */
  readonly args?: readonly string[];
  /** Variables beside PATH and HOME. */
  readonly environment: Readonly<Record<string, string>>;
  readonly logFile: string;
}

export function npmStart({ args = [], environment, logFile }: StartOptions): Start {
  const log = openSync(logFile, 'a');
  const startedAt = performance.now();
  const child = spawn('npm', ['start', ...(args.length > 0 ? ['--', ...args] : [])], {
    cwd: checkout,
    detached: true,
    stdio: ['ignore', log, log],
    env: { PATH: machinePath, HOME: process.env['HOME'] ?? '/', ...environment },
  });
  closeSync(log);
  const exit = new Promise<{ code: number | null; signal: string | null }>((resolve, reject) => {
    child.once('error', reject).once('exit', (code, signal) => resolve({ code, signal }));
  });
  const output = (): string => readFileSync(logFile, 'utf8');
  return {
    startedAt,
    output,
    says: (what, pattern) =>
      eventually(what, () => pattern.exec(output())?.[1], { withinMs: 60_000, everyMs: 10 }).catch((error: unknown) => {
        throw new Error(`${String(error)}\n${output()}`);
      }),
    signal: (signal) => void process.kill(-(child.pid ?? Number.NaN), signal),
    ended: () => exit,
    dispose: () => endGroup(child),
  };
}

function endGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
