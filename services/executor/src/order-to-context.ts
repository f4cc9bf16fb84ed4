import type { ActionContext, OutputStream, Transport } from '@moltbot/plugin-sdk';
import { MoltError, type RunOrder, type Target } from '@moltbot/shared';
import { capture } from './capture.ts';
import { createGuardedExec, type RunCommand } from './guarded-exec.ts';
import type { OrderDeps } from './order-deps.ts';
import { createReplay } from './replay.ts';
import type { Progress } from './run-end.ts';
import { isRemembered, longestTime } from './time-to-start.ts';

export interface Acting {
  readonly args: unknown;
  readonly progress: Progress;
}

/** What an action is given to do its work with. */
export function orderToContext(order: RunOrder, deps: OrderDeps, { args, progress }: Acting): ActionContext<unknown> {
  const { output, signal, log, onOutput } = deps;
  const replay = createReplay(deps.held.ofAttempt);
  const write = (stream: OutputStream, data: Buffer): Promise<void> => {
    onOutput(data.length);
    return output.write(stream, data);
  };
  const writeFresh = (stream: OutputStream, data: Buffer): Promise<void> => write(stream, replay.fresh(stream, data));
  const make = deps.safety === 'guarded' ? guardedCommands : plainCommands;
  const run = make({ order, deps, progress });
  return {
    args,
    target: order.target,
    signal,
    log,
    write: (stream, data) => writeFresh(stream, Buffer.from(data)),
    exec: (spec) => run(spec, { replay: replay.command(), needsAll: false, write }),
    capture: (spec) => capture(spec, { run, onOutput, write: writeFresh }),
  };
}

interface Parts {
  readonly order: RunOrder;
  readonly deps: OrderDeps;
  readonly progress: Progress;
}

function plainCommands({ order, deps, progress }: Parts): RunCommand {
  const { signal, release, log, start } = deps;
  const { target, task } = order;
  return async (spec, { write }) => {
    const transport = findTransport(target, deps.transports);
    const { connectMs } = task.limits;
    const run = { target, spec, connectMs, signal, release, log, onStart: start, onOutput: write };
    const result = await transport.exec(run);
    progress.killed = result.killed;
    return result;
  };
}

function guardedCommands({ order, deps, progress }: Parts): RunCommand {
  const { held, clock } = deps;
  const { runId, target, task } = order;
  const { connectMs } = task.limits;
  return createGuardedExec({
    ...{ ...deps, runId, target, connectMs, progress },
    ...{ attempt: Math.max(1, held.attempt), isTakeOver: held.isTakeOver },
    totalMs: () => longestTime(order, held.startedAt ?? clock.now()).ms,
    transport: () => findTransport(target, deps.transports),
    isStarted: () => progress.started,
    isRemembered: () =>
      (deps.isAlone || target.transport !== 'local') && isRemembered(order, clock.now(), deps.memoryMs),
  });
}

function findTransport(target: Target, transports: readonly Transport[]): Transport {
  const found = transports.find(({ transport }) => transport === target.transport);
  if (found) return found;
  throw new MoltError('MOLT_TRANSPORT', `this executor cannot reach "${target.name}" by ${target.transport}`);
}
