import type { JsonValue, Logger, RunClass, Target } from '@moltbot/shared';
import type { ZodType } from 'zod';

export type OutputStream = 'stdout' | 'stderr';

/** A command for the target's transport. */
export interface ExecSpec {
  /** A POSIX shell command line. */
  readonly command: string;
  /** Added to the environment of the command. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Directory to run in. Default: where the transport starts, the home of the user over SSH. */
  readonly cwd?: string | undefined;
  /** Given to the command, then end of file. Default: end of file at once. */
  readonly stdin?: string | undefined;
}

/** How a command ended: one of the two is there. */
export interface ExecResult {
  readonly exitCode?: number | undefined;
  /** Name without SIG. */
  readonly signal?: string | undefined;
}

/** What an action gives back: how it ended, and what it found out. */
export interface ActionResult extends ExecResult {
  /** For programs: shown with the run, beside its output. At most 64 KiB as JSON, else the run fails with MOLT_BAD_DATA. */
  readonly data?: JsonValue | undefined;
}

/** A command whose output the action reads by itself. */
export interface CaptureSpec extends ExecSpec {
  /** Bytes of each stream that are kept; what comes after them is dropped, and the command goes on. Default 256 KiB. */
  readonly maxBytes?: number | undefined;
  /** The output also streams to the run. Default: it does not. */
  readonly stream?: boolean | undefined;
}

export interface Captured extends ExecResult {
  /** As UTF-8. */
  readonly stdout: string;
  readonly stderr: string;
  /** Output beyond `maxBytes` was dropped. */
  readonly truncated: boolean;
}

/** What an action is given for one run on one target. */
export interface ActionContext<A> {
  readonly args: A;
  readonly target: Target;
  /** Aborts on cancel and on time-out; `exec` obeys it by itself. */
  readonly signal: AbortSignal;
  /** Carries the ids of the run. */
  readonly log: Logger;
  /**
   * Runs a command on the target; its output streams to the run as it comes.
   * Rejects with a MoltError when the command could not be started or its end not be learned.
   */
  exec(spec: ExecSpec): Promise<ExecResult>;
  /**
   * Runs a command on the target and gives what it printed. Whole also when a worker takes over the run: the target is asked for it
   * from the first byte. Rejects as `exec` does, and with MOLT_RUN_LOST when the target has forgotten the output.
   */
  capture(spec: CaptureSpec): Promise<Captured>;
  /** Adds to the run's output; resolves when more is welcome. */
  write(stream: OutputStream, data: string | Uint8Array): Promise<void>;
}

/** A named, typed operation. Exit code 0 (or none, without a signal) makes the run succeed. */
export interface ActionDefinition<A = unknown> {
  /** `<plugin>.<verb>`. */
  readonly name: string;
  readonly summary: string;
  /** What the arguments must be; checked at the door and again at the executor. */
  readonly args: ZodType<A>;
  /**
   * `by-exec`: it touches the world through `exec` alone, so a run whose first command was never sent has done nothing.
   * `own` (default): it may act by itself, and counts as started before `run` is called.
   */
  readonly effects?: 'by-exec' | 'own';
  /**
   * What may be done when it is not known whether it ran, unless the request says otherwise. Default: `guarded` for `by-exec`,
   * else `at-most-once`. A guarded action is run again by the worker that takes over, and its commands are found on the target:
   * it must ask for the same commands in the same order, one at a time, and write the same.
   */
  readonly class?: RunClass;
  /** In a chat it is run after a question: who asked says yes (`asker`), or somebody else does (`other`). Default: without. */
  readonly confirm?: 'asker' | 'other';
  /** What `data` of its results is, for who reads of the action. It is not held to it. */
  readonly data?: ZodType<JsonValue>;
  run(context: ActionContext<A>): Promise<ActionResult>;
}

/** An action of any argument type, as registries hold it. */
// biome-ignore lint/suspicious/noExplicitAny: the argument type is contravariant; only the registry, which parses with `args`, calls `run`.
export type AnyAction = ActionDefinition<any>;

/** Gives an action its argument type from its schema. */
export const defineAction = <A>(definition: ActionDefinition<A>): ActionDefinition<A> => definition;
