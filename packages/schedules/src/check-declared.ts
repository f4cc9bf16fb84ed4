import { asMoltError, type Config } from '@moltbot/shared';
import { compileAlerts } from './alert.ts';
import { loadCalendars } from './load-calendars.ts';
import { compilePlan } from './when/plan.ts';

/** What is wrong with the schedules and calendars of a configuration that is right otherwise: `schedules[0] (night) when: …`. Reads the calendars' files. */
export async function checkDeclared(config: Pick<Config, 'schedules' | 'calendars'>): Promise<readonly string[]> {
  let calendars: Awaited<ReturnType<typeof loadCalendars>>;
  try {
    calendars = await loadCalendars(config.calendars);
  } catch (error) {
    return [asMoltError(error).message];
  }
  return config.schedules.flatMap(({ id, spec }, index) => {
    try {
      compilePlan(id, spec, calendars);
      compileAlerts(spec.alerts);
      return [];
    } catch (error) {
      return [`schedules[${index}] (${id}) ${asMoltError(error).message}`];
    }
  });
}
