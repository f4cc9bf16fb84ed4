import type { Logger, Service, Target } from '@moltbot/shared';
import type { ExecResult, ExecSpec, OutputStream } from './action.ts';

/** One command on one target, as an executor asks a transport for it. */
export interface TransportRun {
  readonly target: Target;
  readonly spec: ExecSpec;
  /** Time until the command may be sent, ms. */
  readonly connectMs: number;
  /** Abort: make the command end, its whole process group, and settle when it is known whether it did. */
  readonly signal: AbortSignal;
  /** Abort: let go of the command. It goes on without us, and `exec` rejects at once with MOLT_SHUTTING_DOWN. */
  readonly release?: AbortSignal | undefined;
  readonly log: Logger;
  /**
   * Called once, when all is ready and before the first byte of the command leaves.
   * When it rejects, nothing is sent and `exec` rejects with that error.
   */
  onStart(): Promise<void>;
  /** Takes output in order; while it is pending the transport reads no more from the command. */
  onOutput(stream: OutputStream, data: Buffer): Promise<void>;
}

/** How a command ended; `killed` says, after an abort, whether the process group was seen to be gone. */
export interface TransportResult extends ExecResult {
  readonly killed?: 'verified' | 'unverified' | undefined;
}

/**
 * A way to run commands on targets.
 * Rejections before `onStart` was called mean the command never ran. A rejection after it means its end is not known
 * (MOLT_SSH_LOST and the like).
 */
export interface Transport extends Service {
  /** The value of `transport` of the targets it serves. */
  readonly transport: Target['transport'];
  /** A command for this target would be sent at once: nothing to connect, nothing to wait for. */
  isReady(target: Target): boolean;
  exec(run: TransportRun): Promise<TransportResult>;
}
