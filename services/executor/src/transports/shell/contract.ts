import type { Readable } from 'node:stream';
import type { TransportResult, TransportRun } from '@moltbot/plugin-sdk';
import type { Clock, Logger } from '@moltbot/shared';

/** A program at the other end, here or over SSH: what a resident shell runs in. */
export interface ShellChannel {
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Gives bytes to the program; on a channel that has closed they are dropped. */
  write(text: string): void;
  close(): void;
  /** Resolves when the program has ended or the channel is gone, and all output was read. */
  readonly ended: Promise<unknown>;
}

export interface ResidentOptions {
  /** Where records of guarded commands are kept; `~/` is the home over there. */
  readonly directory: string;
  /** How long records are kept, ms. */
  readonly retentionMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How the end of a command is brought about. */
export interface KillTimes {
  /** Between TERM and KILL, ms. */
  readonly graceMs: number;
  /** Until it must be known whether the group is gone, ms. */
  readonly verdictMs: number;
}

export interface ShellRun {
  readonly run: TransportRun;
  readonly kill: KillTimes;
  /** Runs a small program of `/bin/sh` on the same host past this shell, which is busy; resolves to what it printed on stdout. */
  readonly aside: (program: string, signal: AbortSignal) => Promise<string>;
}

/**
 * A shell that stays: the program of the guard was sent to it once, and each command is one line.
 * It runs one command at a time.
 */
export interface ResidentShell {
  /**
   * Runs the command of `run`: guarded when it has a `guard`, as it is otherwise. Calls `run.onStart` right before the line is sent.
   * The contract is that of `Transport.exec`.
   */
  exec(work: ShellRun): Promise<TransportResult>;
  /** Forgets the output of ended guarded commands; the shell may be busy then and does it later. */
  forget(guards: readonly { readonly id: string; readonly attempt: number }[]): void;
  /** False once it has ended, lost its place, or something of a former command may still print into it. */
  isReusable(): boolean;
  close(): void;
}
