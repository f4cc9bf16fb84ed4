import type { PluginHost } from '@moltbot/plugin-host';
import type { ActionResult, AnyAction } from '@moltbot/plugin-sdk';
import { asMoltError, isMoltError, MoltError, type RunOrder } from '@moltbot/shared';
import type { GuardId } from './guarded-exec.ts';
import type { OrderDeps } from './order-deps.ts';
import { orderToContext } from './order-to-context.ts';
import { resultToData } from './result-to-data.ts';
import { errorEnd, type Progress, type RunEnd, resultEnd } from './run-end.ts';

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

async function runAction(order: RunOrder, deps: OrderDeps, progress: Progress): Promise<ActionResult> {
  const { action, args } = prepare(order, deps, progress);
  const start = once(async () => {
    await deps.start();
    progress.started = true;
  });
  if (action.effects !== 'by-exec') await start();
  const result = await action.run(orderToContext(order, { ...deps, start }, { args, progress }));
  // A run that needed no command has been carried out all the same.
  await start();
  return { ...result, data: resultToData(result) };
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= work();
    return done;
  };
}
