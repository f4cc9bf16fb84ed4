import type { TransportResult } from '@moltbot/plugin-sdk';
import { MoltError } from '@moltbot/shared';
import { withTimeLimit } from '../ssh/time-limit.ts';
import type { ResidentOptions, ShellRun } from './contract.ts';
import type { Wire } from './wire.ts';

/** What one command in a resident shell is run with. */
export interface RunDeps {
  readonly wire: Wire;
  readonly work: ShellRun;
  readonly options: ResidentOptions;
  /** By which its plain commands are answered, where a spare may take them; undefined where there is none. */
  readonly spareNonce: string | undefined;
  /** The shell is not to be used again. */
  spoil(): void;
  /** Ends the shell too. */
  close(): void;
}

/** After the end of a command is known from elsewhere, how long the last of its output may take, ms. */
export const lastOutputMs = 1_000;

/** 128 + n of the signals that end a command from here. */
const signals: Readonly<Record<number, string>> = { 137: 'KILL', 143: 'TERM' };

/** Of one that was killed, `exit 143` and the end by TERM cannot be told apart; of another the status is the exit code. */
export function killedEnd(code: number | undefined): Pick<TransportResult, 'exitCode' | 'signal'> {
  if (code === undefined || Number.isNaN(code)) return { signal: 'KILL' };
  const signal = signals[code];
  return signal === undefined ? { exitCode: code } : { signal };
}

/** What the signal is raced against; true when `work` settled first. */
export async function endsByItself(work: Promise<unknown>, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  const { promise: aborted, resolve } = Promise.withResolvers<boolean>();
  const abort = (): void => resolve(false);
  signal.addEventListener('abort', abort, { once: true });
  const settled = work.then(
    () => true,
    () => true,
  );
  try {
    return await Promise.race([settled, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** The last line that a program printed past this shell; undefined when it could not be run in time. */
export async function askAside({ work, options }: RunDeps, program: string): Promise<string | undefined> {
  const ms = work.kill.verdictMs;
  const reason = (): Error => new MoltError('MOLT_DEADLINE', `the end of the command was not seen within ${ms} ms`);
  try {
    const output = await withTimeLimit({ ms, reason, clock: options.clock }, (signal) => work.aside(program, signal));
    return output.trimEnd().split('\n').at(-1);
  } catch (err) {
    work.run.log.warn({ err }, 'the command could not be seen to end');
    return undefined;
  }
}
