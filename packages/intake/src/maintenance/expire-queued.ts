import { type Duty, type DutyDeps, stepsPerRound } from './duty.ts';

const tasksPerStep = 100;

/** Ends runs that were not started in time, whether or not their messages ever come. */
export function expireQueued({ store, tenants, log }: DutyDeps): Duty {
  const ofTenant = async (tenant: string, signal: AbortSignal): Promise<void> => {
    let looked = 0;
    for (let step = 0; step < stepsPerRound && !signal.aborted; step += 1) {
      const tasks = await store.expireQueued(tenant, tasksPerStep);
      looked += tasks;
      if (tasks < tasksPerStep) break;
    }
    if (looked > 0) log.info({ tasks: looked, tenant }, 'looked at tasks whose time to start is past');
  };
  return async (signal) => {
    for (const tenant of tenants) await ofTenant(tenant, signal);
  };
}
