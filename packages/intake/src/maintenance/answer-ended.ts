import type { Bus } from '@moltbot/bus';
import type { Logger, TaskRecord } from '@moltbot/shared';
import type { Store } from '@moltbot/store';
import { publishReply } from '../publish-reply.ts';
import { type Duty, type DutyDeps, stepsPerRound } from './duty.ts';

const tasksPerStep = 100;
/** Whoever ends a task answers it at once; what is older was left behind. */
const olderThanMs = 10_000;

/** Publishes the replies of ended tasks that nobody has answered. */
export function answerEnded({ bus, store, tenants, log }: DutyDeps): Duty {
  const ofTenant = async (tenant: string, signal: AbortSignal): Promise<void> => {
    for (let step = 0; step < stepsPerRound && !signal.aborted; step += 1) {
      const records = await store.listUnanswered(tenant, olderThanMs, tasksPerStep);
      const answered = records.length > 0 ? await answerTasks({ bus, store, log }, tenant, records) : 0;
      if (answered < tasksPerStep) return;
    }
  };
  return async (signal) => {
    for (const tenant of tenants) await ofTenant(tenant, signal);
  };
}

/** Publishes the replies of ended tasks and marks those that are safe on the bus; resolves to their number. @throws MOLT_STORE_DOWN */
export async function answerTasks(
  { bus, store, log }: { readonly bus: Bus; readonly store: Pick<Store, 'markAnswered'>; readonly log: Logger },
  tenant: string,
  records: readonly TaskRecord[],
): Promise<number> {
  const outcomes = await Promise.all(records.map((record) => publishReply(bus, record)));
  const safe = records.filter((_, index) => outcomes[index] === 'ok').map(({ task }) => task.id);
  const failed = outcomes.find((outcome) => outcome !== 'ok');
  if (failed)
    log.warn({ tasks: records.length - safe.length, tenant, outcome: failed }, 'the bus did not take replies');
  if (safe.length > 0) await store.markAnswered(tenant, safe);
  return safe.length;
}
