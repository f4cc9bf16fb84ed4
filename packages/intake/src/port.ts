import type { AnyAction } from '@moltbot/plugin-sdk';
import type {
  Origin,
  Principal,
  Resolution,
  RunClass,
  RunOrder,
  Service,
  Target,
  Task,
  TaskRequest,
} from '@moltbot/shared';
import type { CancelOutcome, RateDecision } from '@moltbot/store';

export interface Submission {
  readonly principal: Principal;
  readonly origin: Origin;
  readonly request: TaskRequest;
  /** The same key gives the same task. */
  readonly idempotencyKey?: string | undefined;
  /**
   * What the bus did not take stays recorded, for a caller that asks again under the same key until it is taken, or cancels it: `taskId`
   * in the details of the error. So the key never stands for a second task. Default: it is withdrawn, and the refusal is true.
   */
  readonly persists?: boolean | undefined;
  /** Joins the logs of every hop; made when absent. */
  readonly trace?: string | undefined;
}

/** `created` is false when an earlier submission under the same idempotency key made the task. */
export type Submitted =
  | { readonly taskId: string; readonly created: true; readonly task: Task }
  | { readonly taskId: string; readonly created: false };

export interface RunToResolve {
  readonly taskId: string;
  /** 0-based place of the run in its task. */
  readonly index: number;
  readonly as: Resolution['as'];
  readonly note?: string | undefined;
}

export interface Resolved {
  readonly runId: string;
  readonly as: Resolution['as'];
  /** The task that does it again. */
  readonly taskId?: string | undefined;
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
   * MOLT_BAD_DURATION, MOLT_BAD_REQUEST (a class that the action or a target cannot have), MOLT_BAD_CALLBACK,
   * MOLT_IDEMPOTENCY_CONFLICT, MOLT_BUS_DOWN, MOLT_BUS_FULL, MOLT_NO_EXECUTOR, MOLT_STORE_DOWN
   */
  submit(submission: Submission): Promise<Submitted>;
  /** The task that a submission of this principal under this key has made, if it is remembered. @throws MOLT_STORE_DOWN */
  find(principal: Principal, idempotencyKey: string): Promise<string | undefined>;
  /**
   * A new task of one run that does what the run was to do, on the target that has its name now. The same run gives the same task,
   * however often it is asked for.
   * @param why for the log
   * @throws MOLT_NO_TARGETS when the target is gone; what `submit` throws
   */
  rerun(principal: Principal, order: RunOrder, why: string): Promise<{ readonly taskId: string }>;
  /**
   * Closes a run that ended `unknown`: a person says what became of it, or has a new task do it again.
   * @throws MOLT_NOT_FOUND, MOLT_NOT_UNKNOWN when it is not open to be resolved; what `rerun` throws
   */
  resolve(principal: Principal, run: RunToResolve): Promise<Resolved>;
  /**
   * Whether a request that is to be made later could be made now, whatever targets there are then.
   * @returns the class that the action gives it @throws MOLT_UNKNOWN_ACTION, MOLT_BAD_ARGUMENTS
   */
  check(request: Pick<TaskRequest, 'action' | 'args'>): RunClass;
  /** Cancels what waits, and tells the executors of what runs. @throws MOLT_STORE_DOWN */
  cancel(principal: Principal, taskId: string): Promise<CancelOutcome>;
  /** The targets the principal may use, by name; narrowed by a selector when given. @throws MOLT_BAD_SELECTOR, MOLT_NO_TARGETS */
  targets(principal: Principal, selector?: string): readonly Target[];
  actions(): readonly AnyAction[];
}
