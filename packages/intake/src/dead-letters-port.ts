import type { Bus } from '@moltbot/bus';
import type { Clock, Logger, Principal, Service } from '@moltbot/shared';
import type { Store } from '@moltbot/store';
import type { Letter, LetterSummary } from './dead-letters-view.ts';
import type { Intake } from './port.ts';

export interface LetterPage {
  /** Newest first; a page can be short and still have a cursor. */
  readonly letters: readonly LetterSummary[];
  readonly cursor?: string | undefined;
}

/** What a replay did: the same message is in its queue again, or a new task does what the run was to do. */
export type Replayed =
  | { readonly kind: 'message' }
  | {
      readonly kind: 'task';
      readonly taskId: string;
    };

/** What died on the bus, for people. Everything is of the principal's tenant alone. */
export interface DeadLetters extends Service {
  /** @throws MOLT_BAD_REQUEST for a cursor that is none, MOLT_STORE_DOWN */
  list(
    principal: Principal,
    query: { readonly limit: number; readonly cursor?: string | undefined },
  ): Promise<LetterPage>;
  /** @throws MOLT_NOT_FOUND, MOLT_STORE_DOWN */
  get(principal: Principal, id: string): Promise<Letter>;
  /**
   * Has it done after all, confirmed, and drops the letter. A repeated replay does no harm: messages keep their id, and a run
   * that ended is done again by one task.
   * @throws MOLT_NOT_FOUND, MOLT_CANNOT_REPLAY, MOLT_BUS_DOWN, MOLT_BUS_FULL, MOLT_NO_EXECUTOR, MOLT_STORE_DOWN;
   * what `Intake.rerun` throws
   */
  replay(principal: Principal, id: string): Promise<Replayed>;
  /** @throws MOLT_NOT_FOUND, MOLT_STORE_DOWN */
  drop(principal: Principal, id: string): Promise<void>;
}

export interface DeadLetterDeps {
  readonly bus: Bus;
  readonly store: Store;
  /** What cannot be attributed is shown to the first. */
  readonly tenants: readonly string[];
  readonly rerun: Intake['rerun'];
  readonly clock: Clock;
  readonly log: Logger;
}
