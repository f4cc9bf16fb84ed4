import { type Duty, type DutyDeps, stepsPerRound } from './duty.ts';

/** Forgets what is past its retention. */
export function forget({ store, log }: DutyDeps): Duty {
  return async (signal) => {
    let forgotten = 0;
    for (let step = 0; step < stepsPerRound && !signal.aborted; step += 1) {
      const tasks = await store.expire();
      if (tasks === 0) break;
      forgotten += tasks;
    }
    if (forgotten > 0) log.info({ tasks: forgotten }, 'forgot tasks past their retention');
  };
}
