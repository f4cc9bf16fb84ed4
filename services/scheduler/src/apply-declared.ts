import { type Calendar, compileAlerts, compilePlan, diffDeclared, planKey } from '@moltbot/schedules';
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
  const known = Array.from(timetable.entries(), ({ record }) => record);
  for (const change of diffDeclared(declared, known)) {
    if (term.isOver()) return;
    if (change.kind === 'gone') {
      const { tenant, id } = change.known;
      await store.dropSchedule(tenant, id, 'config');
      log.info({ tenant, schedule: id }, 'a schedule is declared no more, and gone');
    } else {
      await apply(deps, change.declared, calendars);
    }
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
