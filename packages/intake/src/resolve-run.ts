import { type Logger, MoltError, type Principal, type RunRecord, type Task } from '@moltbot/shared';
import type { Store } from '@moltbot/store';
import type { Intake, Resolved, RunToResolve } from './port.ts';

/** A run to be done again, by the name of its target. */
export interface RunToRerun {
  readonly runId: string;
  readonly task: Task;
  readonly targetName: string;
}

export interface ResolveDeps {
  readonly store: Store;
  readonly log: Logger;
  readonly now: () => number;
  /** Resolves to the id of the new task; the same one for the same run. */
  readonly rerun: (principal: Principal, run: RunToRerun, why: string) => Promise<string>;
  readonly cancel: Intake['cancel'];
}

/**
 * Notes what a person found out about an unknown run. For `rerun` the new task is made first: what is noted is there.
 * @throws MOLT_NOT_FOUND, MOLT_NOT_UNKNOWN; what `rerun` throws
 */
export async function resolveRun(deps: ResolveDeps, principal: Principal, wanted: RunToResolve): Promise<Resolved> {
  const { tenant, id: by } = principal;
  const { taskId, index, as, note } = wanted;
  const found = await findRun(deps.store, tenant, wanted);
  if (!found) throw noRun(wanted);
  const { task, run } = found;
  if (run.state !== 'unknown' || run.resolution) throw notUnknown(run);
  const newTask =
    as === 'rerun'
      ? await deps.rerun(principal, { runId: run.id, task, targetName: run.target }, 'its run is unknown')
      : undefined;
  const resolution = {
    as,
    by,
    at: deps.now(),
    ...(note !== undefined && { note }),
    ...(newTask && { taskId: newTask }),
  };
  const outcome = await deps.store.resolveRun(tenant, run.id, resolution);
  if (outcome !== 'ok') await assertSameResolution(deps, principal, { wanted, newTask });
  deps.log.info({ principal: by, tenant, task: taskId, run: index, as, newTask }, 'run resolved');
  return { runId: run.id, as, ...(newTask && { taskId: newTask }) };
}

/** Somebody was quicker: with the same request that is well, else the task that was made for nothing is cancelled. */
async function assertSameResolution(
  { store, cancel, log }: ResolveDeps,
  principal: Principal,
  { wanted, newTask }: { readonly wanted: RunToResolve; readonly newTask: string | undefined },
): Promise<void> {
  const run = (await findRun(store, principal.tenant, wanted))?.run;
  if (newTask !== undefined && run?.resolution?.taskId === newTask) return;
  if (newTask !== undefined) {
    log.warn({ task: newTask, tenant: principal.tenant }, 'a rerun is cancelled: its run was resolved meanwhile');
    await cancel(principal, newTask);
  }
  throw run ? notUnknown(run) : noRun(wanted);
}

async function findRun(
  store: Store,
  tenant: string,
  { taskId, index }: RunToResolve,
): Promise<{ readonly task: Task; readonly run: RunRecord } | undefined> {
  const record = await store.getTask(tenant, taskId);
  const run = record && (await store.getRuns(tenant, taskId)).find((each) => each.index === index);
  return run && { task: record.task, run };
}

const noRun = ({ taskId, index }: RunToResolve): MoltError =>
  new MoltError('MOLT_NOT_FOUND', `no run ${index} of a task ${taskId}`);

function notUnknown({ state, resolution }: RunRecord): MoltError {
  if (!resolution) return new MoltError('MOLT_NOT_UNKNOWN', `the run is ${state}`);
  const again = resolution.taskId === undefined ? '' : ` (task ${resolution.taskId})`;
  return new MoltError('MOLT_NOT_UNKNOWN', `the run was resolved before, as ${resolution.as}${again}`);
}
