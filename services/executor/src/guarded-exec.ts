import type { ExecSpec, GuardOrder, OutputStream, Transport, TransportResult } from '@moltbot/plugin-sdk';
import { backoffMs, type Clock, hasCode, isMoltError, type Logger, MoltError, type Target } from '@moltbot/shared';
import type { CommandReplay } from './replay.ts';
import { isWorthRepeating } from './retry-policy.ts';

export type GuardId = Pick<GuardOrder, 'id' | 'attempt'>;

/** What is known of the commands of a guarded run. */
export interface GuardedProgress {
  /** Those whose records on the target may hold output. An empty file takes no room, and is as dear to remove as to make. */
  readonly guards: GuardId[];
  /** The last one may run, or one that follows it. */
  isOpen: boolean;
  /** The last one may have been sent, and its target cannot be reached. */
  unreached: unknown;
  /** How the last one ended. */
  result: TransportResult | undefined;
}

/** Takes the output of one command. */
export interface CommandSink {
  readonly replay: CommandReplay;
  /** Its output is of use only when all of it is there. */
  readonly needsAll: boolean;
  write(stream: OutputStream, data: Buffer): Promise<void>;
}

/** Runs a command of the run, and says how it ended. */
export type RunCommand = (spec: ExecSpec, sink: CommandSink) => Promise<TransportResult>;

export interface GuardedExecDeps {
  readonly runId: string;
  readonly attempt: number;
  /** Another worker may have sent any of the commands. */
  readonly isTakeOver: boolean;
  readonly target: Target;
  readonly connectMs: number;
  /** Of each command, as the target counts it. */
  readonly totalMs: () => number;
  readonly transport: () => Transport;
  readonly progress: GuardedProgress;
  /** The run has been started, by an earlier command or worker. */
  readonly isStarted: () => boolean;
  /** What its target knows nothing of never ran there: else it may have run so long ago that it was forgotten. */
  readonly isRemembered: () => boolean;
  readonly start: () => Promise<void>;
  readonly signal: AbortSignal;
  readonly release: AbortSignal;
  readonly reattachMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Runs the commands of a guarded run, one after the other. A command whose link broke is attached to again, for a while.
 * Rejects with what is the end of the command, or, with `progress.unreached` set, when its end cannot be learned for now.
 */
export function createGuardedExec(deps: GuardedExecDeps): RunCommand {
  const { progress, runId } = deps;
  const run = { attempt: deps.attempt, resumes: deps.isTakeOver };
  let commands = 0;
  let isBusy = false;
  return async (spec, sink) => {
    const oneAtATime = 'a guarded run has one command at a time; wait for the end of the first';
    if (isBusy) throw new MoltError('MOLT_ACTION_FAILED', oneAtATime);
    assertMayGoOn(progress);
    isBusy = true;
    commands += 1;
    const id = commands === 1 ? runId : `${runId}-${commands}`;
    const command = createCommand({ spec, sink, id, run }, deps);
    let isBare = false;
    try {
      const result = await runCommand(command, deps);
      progress.result = result;
      isBare = result.endedBy === undefined && command.wasAttached() && !command.hadOutput();
      // The worker before may have sent the one that follows.
      progress.isOpen = result.killed === 'unverified' || (run.resumes && result.endedBy === undefined);
      return result;
    } finally {
      if (!isBare) progress.guards.push({ id, attempt: run.attempt });
      isBusy = false;
    }
  };
}

function assertMayGoOn({ result, unreached }: GuardedProgress): void {
  if (unreached !== undefined) throw unreached;
  if (result?.endedBy === 'cancel') throw new MoltError('MOLT_RUN_CANCELLED', 'the command before was cancelled');
  if (result?.endedBy === 'timeout') throw new MoltError('MOLT_RUN_TIMEOUT', 'the command before ran too long');
}

/** What the commands of a run have in common, as far as it is known. */
interface GuardedRun {
  /** A newer one where the target knew of it: the store that counted them was emptied in between. */
  attempt: number;
  /** The commands may have been sent before. */
  resumes: boolean;
}

interface Command {
  try(): Promise<TransportResult>;
  /** The last try reached the record. */
  wasAttached(): boolean;
  /** Its record was seen to hold output. */
  hadOutput(): boolean;
  /** What to do after a try that rejected: it is the end, or another try may learn it. */
  judge(error: unknown): 'end' | 'again' | 'again at once';
}

interface Asked {
  readonly spec: ExecSpec;
  readonly sink: CommandSink;
  readonly id: string;
  readonly run: GuardedRun;
}

function createCommand({ spec, sink, id, run }: Asked, deps: GuardedExecDeps): Command {
  const { target, connectMs, signal, release, log, progress } = deps;
  const { replay } = sink;
  let mode: GuardOrder['mode'] = run.resumes ? (deps.isRemembered() ? 'resume' : 'attach') : 'start';
  let maySent = run.resumes;
  let wasAttached = false;
  let lacks = false;
  let hadOutput = false;
  progress.isOpen = maySent;
  return {
    async try() {
      wasAttached = false;
      const result = await deps.transport().exec({
        ...{ target, spec, connectMs, signal, release, log },
        guard: {
          ...{ id, attempt: run.attempt, mode, from: replay.from(), totalMs: deps.totalMs() },
          onAttached(at, isForgotten) {
            wasAttached = true;
            lacks = isForgotten && sink.needsAll;
            hadOutput ||= at.stdout + at.stderr > 0;
            replay.attachedAt(at);
          },
        },
        async onStart() {
          await deps.start();
          maySent = true;
          progress.isOpen = true;
        },
        onOutput(stream, data) {
          hadOutput = true;
          return sink.write(stream, replay.fresh(stream, data));
        },
      });
      if (lacks) throw new MoltError('MOLT_RUN_LOST', `it has ended, and ${target.name} has forgotten its output`);
      replay.end();
      return result;
    },
    wasAttached: () => wasAttached,
    hadOutput: () => hadOutput,
    judge(error) {
      const newer = newerAttempt(error, run.attempt);
      if (newer !== undefined) {
        run.attempt = newer;
        run.resumes = maySent = true;
        mode = 'attach';
        return 'again at once';
      }
      if (hasCode(error, 'MOLT_NOT_FOUND')) throw goneFrom(target, error);
      if (maySent ? isEnd(error, mode) : !(deps.isStarted() && isPassing(error))) {
        if (provesNothingRuns(error)) progress.isOpen = false;
        return 'end';
      }
      if (mode === 'start') mode = 'resume';
      return 'again';
    },
  };
}

/** It may have run there so long ago that it was forgotten, or on another host that is called the same. */
const goneFrom = ({ name }: Target, cause: unknown): MoltError =>
  new MoltError('MOLT_RUN_LOST', `it may have started, and ${name} has no record of it`, { cause });

async function runCommand(command: Command, deps: GuardedExecDeps): Promise<TransportResult> {
  const { clock, release, log, progress, reattachMs } = deps;
  let giveUpAt: number | undefined;
  for (let tries = 1; ; tries += 1) {
    try {
      return await command.try();
    } catch (error) {
      const verdict = release.aborted ? 'end' : command.judge(error);
      if (verdict === 'end') throw error;
      if (verdict === 'again at once') continue;
      if (giveUpAt === undefined || command.wasAttached()) giveUpAt = clock.monotonic() + reattachMs;
      if (clock.monotonic() >= giveUpAt) {
        progress.unreached = error;
        throw error;
      }
      log.info({ err: error, tries }, 'lost sight of a guarded command; attaching again');
      await clock.sleep(backoffMs(tries, { maxMs: 2_000 }), release);
    }
  }
}

/**
 * It is over with a command that may have been sent. That no record can be kept says that nothing was started only to whom
 * nothing was sent before.
 */
function isEnd(error: unknown, mode: GuardOrder['mode']): boolean {
  if (hasCode(error, 'MOLT_NO_GUARD')) return mode === 'start';
  return hasCode(error, 'MOLT_RUN_LOST') || hasCode(error, 'MOLT_RUN_CANCELLED');
}

const provesNothingRuns = (error: unknown): boolean =>
  hasCode(error, 'MOLT_NO_GUARD') || hasCode(error, 'MOLT_RUN_CANCELLED');

const isPassing = (error: unknown): boolean => isMoltError(error) && isWorthRepeating(error.code);

function newerAttempt(error: unknown, attempt: number): number | undefined {
  if (!isMoltError(error) || error.code !== 'MOLT_RUN_LOST') return undefined;
  const { attempt: other } = error.details;
  return typeof other === 'number' && other > attempt ? other : undefined;
}
