import type { Intake } from '@moltbot/intake';
import type { Clock, Logger } from '@moltbot/shared';
import type { Store, Term } from '@moltbot/store';
import type { Notices } from './notices.ts';
import type { OpenOccurrences } from './open-occurrences.ts';
import type { SchedulerMetrics } from './scheduler-metrics.ts';
import type { Timetable } from './timetable.ts';

/** What every duty of firing is given, for the time of one term. */
export interface EngineDeps {
  readonly term: Term;
  readonly store: Store;
  readonly intake: Pick<Intake, 'submit' | 'find' | 'check' | 'cancel'>;
  readonly timetable: Timetable;
  readonly open: OpenOccurrences;
  readonly notices: Notices;
  readonly metrics: SchedulerMetrics;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onTimeMs: number;
}
