import type { AnyAction } from '@moltbot/plugin-sdk';
import type { Origin, Principal, Service, Target, TaskRequest } from '@moltbot/shared';
import type { CancelOutcome, RateDecision } from '@moltbot/store';

export interface Submission {
  readonly principal: Principal;
  readonly origin: Origin;
  readonly request: TaskRequest;
  /** The same key gives the same task. */
  readonly idempotencyKey?: string | undefined;
  /** Joins the logs of every hop; made when absent. */
  readonly trace?: string | undefined;
}

export interface Submitted {
  readonly taskId: string;
  /** False when an earlier submission under the same idempotency key made it. */
  readonly created: boolean;
}

/**
 * The one door: every command of every source passes here, in this order:
 * who (`authenticate`) → how often (`admit`) → `submit`: what → on which targets → record → publish, confirmed → accepted.
 */
export interface Intake extends Service {
  /**
   * @param authorization the Authorization header: `Bearer mb_<tenant>_<id>_<secret>`
   * @throws MOLT_KEY_MISSING, MOLT_KEY_WRONG, MOLT_STORE_DOWN
   */
  authenticate(authorization: string | undefined): Promise<Principal>;
  /** Takes one request from the principal's rate. With the store down: decided in this process, at a part of the rate. */
  admit(principal: Principal): Promise<RateDecision>;
  /**
   * Resolves when every run is persistent in its queue. A rejection means that nothing of it runs.
   * @throws MOLT_UNKNOWN_ACTION, MOLT_BAD_ARGUMENTS, MOLT_BAD_SELECTOR, MOLT_NO_TARGETS, MOLT_TOO_MANY_TARGETS,
   * MOLT_BAD_DURATION, MOLT_IDEMPOTENCY_CONFLICT, MOLT_BUS_DOWN, MOLT_BUS_FULL, MOLT_NO_EXECUTOR, MOLT_STORE_DOWN
   */
  submit(submission: Submission): Promise<Submitted>;
  /** Cancels what waits, and tells the executors of what runs. @throws MOLT_STORE_DOWN */
  cancel(principal: Principal, taskId: string): Promise<CancelOutcome>;
  /** The targets the principal may use, by name; narrowed by a selector when given. @throws MOLT_BAD_SELECTOR, MOLT_NO_TARGETS */
  targets(principal: Principal, selector?: string): readonly Target[];
  actions(): readonly AnyAction[];
}
