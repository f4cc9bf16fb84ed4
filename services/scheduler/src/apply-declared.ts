import { isDeepStrictEqual } from 'node:util';
import { type Calendar, compileAlerts, compilePlan, planKey } from '@moltbot/schedules';
import { asMoltError, type DeclaredSchedule } from '@moltbot/shared';
import type { EngineDeps } from './engine-deps.ts';

/**
 * Makes the store hold what the configuration declares: puts what is new or another, drops what is declared no more. One that cannot be
 * understood leaves the others alone, and its former self in force. @throws MOLT_STORE_DOWN
 */
export async function applyDeclared(
  deps: EngineDeps,
  declared: readonly DeclaredSchedule[],
  calendars: ReadonlyMap<string, Calendar>,
): Promise<void> {
  const { store, timetable, term, log } = deps;
  for (const schedule of declared) {
    if (term.isOver()) return;
    const known = timetable.get(schedule.tenant, schedule.id)?.record;
    if (known?.source === 'config' && isDeepStrictEqual(known.spec, schedule.spec)) continue;
    await apply(deps, schedule, calendars);
  }
  const names = new Set(declared.map(({ tenant, id }) => `${tenant}/${id}`));
  for (const { record } of [...timetable.entries()]) {
    const { tenant, id, source } = record;
    if (source !== 'config' || names.has(`${tenant}/${id}`) || term.isOver()) continue;
    await store.dropSchedule(tenant, id, 'config');
    log.info({ tenant, schedule: id }, 'a schedule is declared no more, and gone');
  }
}

async function apply(
  { store, metrics, log }: EngineDeps,
  { tenant, id, spec }: DeclaredSchedule,
  calendars: ReadonlyMap<string, Calendar>,
): Promise<void> {
  try {
    compilePlan(id, spec, calendars);
    compileAlerts(spec.alerts);
  } catch (reason) {
    const { code, message } = asMoltError(reason);
    metrics.bad(tenant);
    return log.error({ tenant, schedule: id, code }, `a declared schedule cannot be understood: ${message}`);
  }
  const plan = planKey(spec);
  const { kind } = await store.putSchedule({ tenant, id, spec, plan, source: 'config', by: 'config' });
  if (kind === 'foreign')
    log.error({ tenant, schedule: id }, 'a declared schedule has the name of one made by the API');
  else if (kind !== 'same') log.info({ tenant, schedule: id }, `a declared schedule is ${kind}`);
}
