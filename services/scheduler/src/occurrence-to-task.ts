import type { Intake } from '@moltbot/intake';
import {
  asMoltError,
  type ErrorCode,
  isFinal,
  type MoltError,
  occurrenceIdOf,
  type Principal,
  type ScheduleRecord,
  type TaskRequest,
} from '@moltbot/shared';
import type { EngineDeps } from './engine-deps.ts';
import type { OpenItem } from './open-occurrences.ts';

/**
 * - `fired`: its task is accepted, by this call or an earlier one.
 * - `again`: the door cannot take it now; it may be recorded, and the same call goes on with it.
 * - `refused`: the door never takes it as it is.
 */
export type Fired =
  | { readonly kind: 'fired'; readonly taskId: string }
  | { readonly kind: 'again' | 'refused'; readonly error: MoltError };

/** What may be otherwise in a moment. Nothing else is: the same request is refused for the same reason. */
const passing: ReadonlySet<ErrorCode> = new Set([
  'MOLT_STORE_DOWN',
  'MOLT_BUS_DOWN',
  'MOLT_BUS_FULL',
  'MOLT_NO_EXECUTOR',
  'MOLT_SHUTTING_DOWN',
  'MOLT_INTERNAL',
]);

/** Tasks of a schedule are its own, whoever wrote it. */
export const principalOf = ({ tenant, id }: Pick<ScheduleRecord, 'tenant' | 'id'>): Principal => ({
  tenant,
  id: `schedule:${id}`,
});

/** How often a day that was filled in can be filled in again. */
const roundsAtMost = 10;

/**
 * Through the one door, under a key that is the occurrence's for ever: two leaders at once make one task. What is filled in after its task
 * was cancelled before it started is done anew, under the next key.
 */
export async function occurrenceToTask(
  { intake, store }: Pick<EngineDeps, 'intake' | 'store'>,
  record: ScheduleRecord,
  { at, kind }: Pick<OpenItem, 'at' | 'kind'>,
): Promise<Fired> {
  const key = occurrenceIdOf(record.id, at);
  let fired = await submit(intake, record, { at, key });
  for (let round = 2; round <= roundsAtMost && kind === 'backfill' && fired.kind === 'fired'; round += 1) {
    const task = await store.getTask(record.tenant, fired.taskId);
    if (!task || !isFinal(task.state) || (await hasStarted({ store }, record.tenant, fired.taskId))) return fired;
    fired = await submit(intake, record, { at, key: `${key}~${round}` });
  }
  return fired;
}

/** Some of its commands may have run. */
export async function hasStarted(
  { store }: Pick<EngineDeps, 'store'>,
  tenant: string,
  taskId: string,
): Promise<boolean> {
  const runs = await store.getRuns(tenant, taskId);
  return runs.some(({ startedAt, history }) => startedAt !== undefined || history.length > 0);
}

async function submit(
  intake: Pick<Intake, 'submit'>,
  { tenant, id, spec }: ScheduleRecord,
  { at, key }: { readonly at: number; readonly key: string },
): Promise<Fired> {
  const request: TaskRequest = spec.task;
  try {
    const { taskId } = await intake.submit({
      principal: principalOf({ tenant, id }),
      origin: { kind: 'schedule', scheduleId: id, at },
      request,
      idempotencyKey: key,
      persists: true,
    });
    return { kind: 'fired', taskId };
  } catch (reason) {
    const error = asMoltError(reason);
    // An earlier leader asked for it before the schedule was changed.
    const { taskId } = error.details;
    if (error.code === 'MOLT_IDEMPOTENCY_CONFLICT' && typeof taskId === 'string') return { kind: 'fired', taskId };
    return { kind: passing.has(error.code) ? 'again' : 'refused', error };
  }
}
