import { readdir, readFile } from 'node:fs/promises';
import type { ExecSpec, OutputStream, Transport, TransportResult, TransportRun } from '@moltbot/plugin-sdk';
import { type LocalTarget, silentLogger, type Target } from '@moltbot/shared';
import { eventually } from '@moltbot/testkit';

export const localTarget: LocalTarget = { transport: 'local', name: 'local', labels: {}, pool: 'default' };

export interface Collected {
  readonly result: TransportResult;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/** A run under way: its output so far can be looked at. */
export interface Collecting extends Promise<Collected> {
  stdout(): Buffer;
}

export type RunExtra = Partial<Omit<TransportRun, 'spec' | 'target'>> & { readonly spec?: Partial<ExecSpec> };

/** Runs a command and keeps what it printed. */
export function collect(
  transport: Transport,
  run: RunExtra & { readonly target?: Target; readonly spec?: Partial<ExecSpec> },
): Collecting {
  const chunks: Record<OutputStream, Buffer[]> = { stdout: [], stderr: [] };
  const text = (stream: OutputStream): Buffer => Buffer.concat(chunks[stream]);
  const running = transport.exec({
    target: localTarget,
    connectMs: 20_000,
    signal: new AbortController().signal,
    log: silentLogger,
    onStart: async () => {},
    onOutput: async (stream, data) => void chunks[stream].push(Buffer.from(data)),
    ...run,
    spec: { command: 'true', ...run.spec },
  });
  const collected = running.then((result) => ({ result, stdout: text('stdout'), stderr: text('stderr') }));
  return Object.assign(collected, { stdout: () => text('stdout') });
}

/** The number on the first line a run prints. */
export async function firstNumber(running: Collecting): Promise<number> {
  const line = await eventually('the first line', () => /^(\d+)\n/.exec(running.stdout().toString())?.[1]);
  return Number(line);
}

/** The living processes of a group on this machine. */
export async function groupMembers(group: number): Promise<readonly number[]> {
  const found: number[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    const [state, , pgrp] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (Number(pgrp) === group && state !== 'Z') found.push(Number(pid));
  }
  return found;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
