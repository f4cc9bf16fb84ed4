import type { Bus } from '@moltbot/bus';
import type { Logger } from '@moltbot/shared';
import type { Store } from '@moltbot/store';

export interface DutyDeps {
  readonly bus: Bus;
  readonly store: Store;
  readonly tenants: readonly string[];
  readonly log: Logger;
  /** How old an unconfirmed task must be, ms: more than two confirm time-outs. Default 30 000. */
  readonly olderThanMs?: number;
}

/** One part of a round: what is due, in small steps, so that others get their turn. Ends between two steps when the signal aborts. */
export type Duty = (signal: AbortSignal) => Promise<void>;

/** Steps of a duty in one round: as many as it takes to keep up, and not so many that the other duties starve. */
export const stepsPerRound = 100;
