import type { PluginHost } from '@moltbot/plugin-host';
import type { ActionContext, AnyAction, ExecResult, Transport, TransportResult } from '@moltbot/plugin-sdk';
import {
  asMoltError,
  formatDuration,
  isMoltError,
  type Logger,
  MoltError,
  type RunOrder,
  type RunOutcome,
  type Target,
} from '@moltbot/shared';
import type { StopReason } from './active-runs.ts';
import type { OutputWriter } from './output-writer.ts';

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
  readonly log: Logger;
}

/** Runs the action of an order on its target and says how it ended. Never rejects. */
export async function orderToOutcome(order: RunOrder, deps: OrderDeps): Promise<RunOutcome> {
  const progress: Progress = { started: false, killed: undefined };
  try {
    const action = findAction(order, deps.plugins);
    const result = await runAction(action, order, deps, progress);
    if (deps.signal.aborted) return stoppedOutcome(order, deps, progress);
    return resultOutcome(result);
  } catch (error) {
    if (deps.signal.aborted) return stoppedOutcome(order, deps, progress);
    return errorOutcome(error, progress, deps.log);
  }
}

interface Progress {
  /** The command may have reached the target. */
  started: boolean;
  killed: TransportResult['killed'];
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

async function runAction(action: AnyAction, order: RunOrder, deps: OrderDeps, progress: Progress): Promise<ExecResult> {
  const args = action.args.safeParse(order.task.args);
  if (!args.success)
    throw new MoltError('MOLT_BAD_ARGUMENTS', `the arguments do not fit ${action.name} of this executor`);
  const start = once(async () => {
    await deps.start();
    progress.started = true;
  });
  if (action.effects !== 'by-exec') await start();
  const result = await action.run(contextFor(order, { ...deps, start }, { args: args.data, progress }));
  // A run that needed no command has been carried out all the same.
  await start();
  return result;
}

function contextFor(
  { target, task }: RunOrder,
  deps: OrderDeps,
  { args, progress }: { readonly args: unknown; readonly progress: Progress },
): ActionContext<unknown> {
  const { output, signal, release, log, start, onOutput } = deps;
  const write = (stream: 'stdout' | 'stderr', data: Buffer): Promise<void> => {
    onOutput(data.length);
    return output.write(stream, data);
  };
  return {
    args,
    target,
    signal,
    log,
    write: (stream, data) => write(stream, Buffer.from(data)),
    async exec(spec) {
      const transport = findTransport(target, deps.transports);
      const { connectMs } = task.limits;
      const result = await transport.exec({
        target,
        spec,
        connectMs,
        signal,
        release,
        log,
        onStart: start,
        onOutput: write,
      });
      progress.killed = result.killed;
      return result;
    },
  };
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= work();
    return done;
  };
}

function resultOutcome({ exitCode, signal }: ExecResult): RunOutcome {
  const succeeded = signal === undefined && (exitCode ?? 0) === 0;
  return { state: succeeded ? 'succeeded' : 'failed', exitCode, signal };
}

function errorOutcome(error: unknown, progress: Progress, log: Logger): RunOutcome {
  if (!isMoltError(error)) log.error({ err: error }, 'an action failed with an error of its own');
  const { code, message, remedy } = asMoltError(error, 'MOLT_ACTION_FAILED');
  // Only a broken link leaves the end of a started command open; an action's own error is its end.
  const isOpen = progress.started && (code === 'MOLT_SSH_LOST' || code === 'MOLT_RUN_LOST');
  return { state: isOpen ? 'unknown' : 'failed', error: { code, message, remedy } };
}

/** How a run ends that was told to: what it was told, and whether its processes were seen to be gone. */
function stoppedOutcome({ task }: RunOrder, { signal }: OrderDeps, { started, killed }: Progress): RunOutcome {
  const reason = signal.reason as StopReason;
  const gone = !started
    ? 'it had not started'
    : killed === 'verified'
      ? 'its processes are gone'
      : 'its processes may still run';
  const { totalMs, idleMs } = task.limits;
  if (reason === 'timed-out')
    return stopped('timed-out', 'MOLT_RUN_TIMEOUT', `ran longer than ${formatDuration(totalMs)}; ${gone}`);
  if (reason === 'idle')
    return stopped('timed-out', 'MOLT_RUN_IDLE', `printed nothing for ${formatDuration(idleMs)}; ${gone}`);
  if (reason === 'cancelled' && (!started || killed === 'verified'))
    return stopped('cancelled', 'MOLT_RUN_CANCELLED', `cancelled; ${gone}`);
  return stopped('unknown', 'MOLT_RUN_LOST', `told to end (${reason}); ${gone}`);
}

function stopped(
  state: RunOutcome['state'],
  code: 'MOLT_RUN_TIMEOUT' | 'MOLT_RUN_IDLE' | 'MOLT_RUN_CANCELLED' | 'MOLT_RUN_LOST',
  message: string,
): RunOutcome {
  const { remedy } = new MoltError(code, message);
  return { state, error: { code, message, remedy } };
}
