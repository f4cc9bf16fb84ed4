import type { Intake } from '@moltbot/intake';
import {
  asMoltError,
  type ErrorCode,
  type MoltError,
  occurrenceIdOf,
  type Principal,
  type ScheduleRecord,
  type TaskRequest,
} from '@moltbot/shared';

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

/** Through the one door, under a key that is the occurrence's for ever: two leaders at once make one task. */
export async function occurrenceToTask(
  intake: Pick<Intake, 'submit'>,
  { tenant, id, spec }: ScheduleRecord,
  at: number,
): Promise<Fired> {
  const request: TaskRequest = spec.task;
  try {
    const { taskId } = await intake.submit({
      principal: principalOf({ tenant, id }),
      origin: { kind: 'schedule', scheduleId: id, at },
      request,
      idempotencyKey: occurrenceIdOf(id, at),
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
