import type { Logger, Service, Target } from '@moltbot/shared';
import type { ExecResult, ExecSpec, OutputStream } from './action.ts';

/** One command on one target, as an executor asks a transport for it. */
export interface TransportRun {
  readonly target: Target;
  readonly spec: ExecSpec;
  /** Time until the command may be sent, ms. */
  readonly connectMs: number;
  /**
   * Abort: make the command end, its whole process group, and settle when it is known whether it did.
   * The reasons `timed-out`, `deadline` and `idle` are kept with a guarded command as `endedBy: 'timeout'`, any other as `cancel`.
   */
  readonly signal: AbortSignal;
  /** Abort: let go of the command. It goes on without us, and `exec` rejects at once with MOLT_SHUTTING_DOWN. */
  readonly release?: AbortSignal | undefined;
  readonly log: Logger;
  /** Keep a record of the command on the target. Absent: run it as it is. */
  readonly guard?: GuardOrder | undefined;
  /** Only where a shell of ours runs, as for guarded commands: a forced command is none to be run for this. Default false. */
  readonly needsShell?: boolean | undefined;
  /**
   * Called once, when all is ready and before the first byte of the command leaves.
   * When it rejects, nothing is sent and `exec` rejects with that error.
   */
  onStart(): Promise<void>;
  /** Takes output in order; while it is pending the transport reads no more from the command. */
  onOutput(stream: OutputStream, data: Buffer): Promise<void>;
}

/** What the record of a guarded command is kept under, and what is known of it. */
export interface GuardOrder {
  /** Names the command on the target for as long as it remembers: under one id and attempt nothing starts twice. */
  readonly id: string;
  /** 1 and up. The start of one seals all before it: they can never start any more. */
  readonly attempt: number;
  /**
   * - `start`: nothing of it was sent before.
   * - `resume`: it may have been started: attach when it was, else start it. An abort at once still ends what runs, and seals it.
   * - `attach`: never start it.
   */
  readonly mode: 'start' | 'resume' | 'attach';
  /** Bytes of each stream that are here already. */
  readonly from: Readonly<Record<OutputStream, number>>;
  /** The target itself ends it after this, counted from its start, whoever is connected; ms, 0 for never. */
  readonly totalMs: number;
  /**
   * Called before the first output: where it begins in each stream. Less than `from` when the record holds less: then
   * the command has ended, or a store kept more than the target. `isForgotten`: it has ended, and its output was there once.
   */
  onAttached(at: Readonly<Record<OutputStream, number>>, isForgotten: boolean): void;
}

/** How a command ended; `killed` says, after an abort, whether the process group was seen to be gone. */
export interface TransportResult extends ExecResult {
  readonly killed?: 'verified' | 'unverified' | undefined;
  /** What ended a guarded command, where it was not the command itself; it may have been asked for by another. */
  readonly endedBy?: 'cancel' | 'timeout' | undefined;
}

/**
 * A way to run commands on targets.
 * Rejections before `onStart` was called mean the command never ran. A rejection after it means its end is not known
 * (MOLT_SSH_LOST and the like).
 * With a `guard`, a MOLT_SSH_LOST is no end: `exec` it again with the mode `resume`. Final are then, beside results:
 * - MOLT_NO_GUARD: the target cannot keep a record; nothing was started.
 * - MOLT_RUN_LOST: the record says that it started, and its end cannot be learned (its supervisor was killed, the host restarted);
 *   or another attempt has begun: `details.attempt` is its number.
 * - MOLT_RUN_CANCELLED: it was cancelled before it started, and never can start.
 * - MOLT_NOT_FOUND: mode `attach`, and the target knows nothing of it.
 */
export interface Transport extends Service {
  /** Forgets the output of a guarded command that is recorded elsewhere; the target still knows that it ran. Soon, and best-effort. */
  forget?(target: Target, guard: Pick<GuardOrder, 'id' | 'attempt'>): void;
  /** The value of `transport` of the targets it serves. */
  readonly transport: Target['transport'];
  /** A command for this target would be sent at once: nothing to connect, nothing to wait for. */
  isReady(target: Target): boolean;
  exec(run: TransportRun): Promise<TransportResult>;
}
