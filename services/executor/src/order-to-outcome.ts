import type { PluginHost } from '@moltbot/plugin-host';
import type { ActionContext, AnyAction, ExecResult, OutputStream, Transport } from '@moltbot/plugin-sdk';
import {
  asMoltError,
  type Clock,
  isMoltError,
  type Logger,
  MoltError,
  type RunOrder,
  type Target,
} from '@moltbot/shared';
import { createGuardedExec, type GuardId } from './guarded-exec.ts';
import type { OutputWriter } from './output-writer.ts';
import { createReplay, type Replay } from './replay.ts';
import type { Safety } from './retry-policy.ts';
import { errorEnd, type Progress, type RunEnd, resultEnd } from './run-end.ts';
import { isRemembered, longestTime } from './time-to-start.ts';

export interface OrderDeps {
  readonly plugins: PluginHost;
  readonly transports: readonly Transport[];
  readonly output: OutputWriter;
  /** Records the start; rejects when the run must not start. Called once, before anything of it can happen. */
  readonly start: () => Promise<void>;
  /** Aborts with a `StopReason`. */
  readonly signal: AbortSignal;
  /** Aborts when the command is let go, and goes on without us. */
  readonly release: AbortSignal;
  /** Notes that the command printed something, of this many bytes. */
  readonly onOutput: (bytes: number) => void;
  readonly clock: Clock;
  readonly log: Logger;
  readonly safety: Safety;
  /** How long a guarded command that is out of sight is looked for, ms. */
  readonly reattachMs: number;
  /** What `local` is to this executor it is to all. */
  readonly isAlone: boolean;
  /** How long its target certainly remembers it, ms. */
  readonly memoryMs: number;
  readonly held: {
    /** 1 and up. */
    readonly attempt: number;
    /** Bytes of this attempt that are stored. */
    readonly ofAttempt: Readonly<Record<OutputStream, number>>;
    /** Epoch ms of an earlier start. */
    readonly startedAt?: number | undefined;
    /** Another worker may have started it. */
    readonly isTakeOver: boolean;
  };
}

export interface OrderEnd extends RunEnd {
  /** The records that its commands have on the target. */
  readonly guards: readonly GuardId[];
}

/** Runs the action of an order on its target and says how it ended. Never rejects. */
export async function orderToOutcome(order: RunOrder, deps: OrderDeps): Promise<OrderEnd> {
  const { isTakeOver } = deps.held;
  const progress: Progress = {
    ...{
      started: isTakeOver,
      isOpen: isTakeOver,
      killed: undefined,
      guards: [],
      unreached: undefined,
      result: undefined,
    },
  };
  const ending = { order, progress, safety: deps.safety, signal: deps.signal };
  try {
    const result = await runAction(order, deps, progress);
    return { ...resultEnd(result, ending), guards: progress.guards };
  } catch (error) {
    if (!isMoltError(error) && !deps.signal.aborted)
      deps.log.error({ err: error }, 'an action failed with an error of its own');
    return { ...errorEnd(asMoltError(error, 'MOLT_ACTION_FAILED'), ending), guards: progress.guards };
  }
}

function findAction({ task }: RunOrder, plugins: PluginHost): AnyAction {
  const action = plugins.findAction(task.action);
  if (action) return action;
  throw new MoltError(
    'MOLT_UNKNOWN_ACTION',
    `this executor has no action "${task.action}"; it was accepted by a newer or other door`,
  );
}

function findTransport(target: Target, transports: readonly Transport[]): Transport {
  const found = transports.find(({ transport }) => transport === target.transport);
  if (found) return found;
  throw new MoltError('MOLT_TRANSPORT', `this executor cannot reach "${target.name}" by ${target.transport}`);
}

interface Prepared {
  readonly action: AnyAction;
  readonly args: unknown;
}

function prepare(order: RunOrder, { plugins, held }: OrderDeps, progress: Progress): Prepared {
  try {
    const action = findAction(order, plugins);
    const args = action.args.safeParse(order.task.args);
    if (args.success) return { action, args: args.data };
    throw new MoltError('MOLT_BAD_ARGUMENTS', `the arguments do not fit ${action.name} of this executor`);
  } catch (error) {
    // The worker before knew the action: what it started may run, and a worker of its version can look.
    if (held.isTakeOver) progress.unreached = error;
    throw error;
  }
}

async function runAction(order: RunOrder, deps: OrderDeps, progress: Progress): Promise<ExecResult> {
  const { action, args } = prepare(order, deps, progress);
  const start = once(async () => {
    await deps.start();
    progress.started = true;
  });
  if (action.effects !== 'by-exec') await start();
  const result = await action.run(contextFor(order, { ...deps, start }, { args, progress }));
  // A run that needed no command has been carried out all the same.
  await start();
  return result;
}

function contextFor(
  order: RunOrder,
  deps: OrderDeps,
  { args, progress }: { readonly args: unknown; readonly progress: Progress },
): ActionContext<unknown> {
  const { output, signal, log, onOutput } = deps;
  const replay = createReplay(deps.held.ofAttempt);
  const write = (stream: OutputStream, data: Buffer): Promise<void> => {
    onOutput(data.length);
    return output.write(stream, data);
  };
  const make = deps.safety === 'guarded' ? guardedExec : plainExec;
  return {
    args,
    target: order.target,
    signal,
    log,
    write: (stream, data) => write(stream, replay.fresh(stream, Buffer.from(data))),
    exec: make({ order, deps, progress, replay, write }),
  };
}

interface ExecParts {
  readonly order: RunOrder;
  readonly deps: OrderDeps;
  readonly progress: Progress;
  readonly replay: Replay;
  readonly write: (stream: OutputStream, data: Buffer) => Promise<void>;
}

function plainExec({ order, deps, progress, write }: ExecParts): ActionContext<unknown>['exec'] {
  const { signal, release, log, start } = deps;
  const { target, task } = order;
  return async (spec) => {
    const transport = findTransport(target, deps.transports);
    const { connectMs } = task.limits;
    const run = { target, spec, connectMs, signal, release, log, onStart: start, onOutput: write };
    const result = await transport.exec(run);
    progress.killed = result.killed;
    return result;
  };
}

function guardedExec({ order, deps, progress, replay, write }: ExecParts): ActionContext<unknown>['exec'] {
  const { held, clock } = deps;
  const { runId, target, task } = order;
  const { connectMs } = task.limits;
  return createGuardedExec({
    ...{ ...deps, runId, target, connectMs, progress, replay, write },
    ...{ attempt: Math.max(1, held.attempt), isTakeOver: held.isTakeOver },
    totalMs: () => longestTime(order, held.startedAt ?? clock.now()).ms,
    transport: () => findTransport(target, deps.transports),
    isStarted: () => progress.started,
    isRemembered: () =>
      (deps.isAlone || target.transport !== 'local') && isRemembered(order, clock.now(), deps.memoryMs),
  });
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= work();
    return done;
  };
}
