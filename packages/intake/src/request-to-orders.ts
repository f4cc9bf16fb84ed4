import type { AnyAction } from '@moltbot/plugin-sdk';
import {
  type CallbacksConfig,
  MoltError,
  mayRunAgain,
  newId,
  type Origin,
  type RunOrder,
  runIdOf,
  type Target,
  type Task,
} from '@moltbot/shared';
import { assertCallbackAllowed } from './callback-address.ts';
import type { Submission } from './port.ts';
import { runClassOf } from './run-class.ts';
import { type LimitDefaults, runLimitsOf } from './run-limits.ts';

export interface OrderDefaults extends LimitDefaults {
  readonly callbacks: CallbacksConfig;
  readonly now: () => number;
}

/** A task and its runs, one a target. */
export interface Orders {
  readonly task: Task;
  readonly orders: readonly RunOrder[];
}

/** Further attempts of what is safe to repeat, when the request names no number. */
const defaultRetries = 3;

/** A checked request to the task and its runs. @throws MOLT_BAD_ARGUMENTS, MOLT_BAD_DURATION, MOLT_BAD_REQUEST, MOLT_BAD_CALLBACK */
export function requestToOrders(
  submission: Submission & { readonly id?: string | undefined },
  { action, targets }: { readonly action: AnyAction; readonly targets: readonly Target[] },
  defaults: OrderDefaults,
): Orders {
  const { request, principal } = submission;
  const { id = newId() } = submission;
  const runClass = runClassOf(request, action, targets);
  const task: Task = {
    id,
    action: action.name,
    args: checkedArguments(action, request.args),
    on: request.on,
    priority: request.priority,
    limits: runLimitsOf(request, runClass, defaults),
    class: runClass,
    retries: request.retries ?? (mayRunAgain(runClass) ? defaultRetries : 0),
    principal,
    origin: originOf(submission, defaults.callbacks),
    acceptedAt: defaults.now(),
    trace: submission.trace ?? id.replaceAll('-', ''),
    runs: targets.length,
  };
  return { task, orders: targets.map((target, index) => ({ runId: runIdOf(id, index), index, target, task })) };
}

/** What travels is what was sent: the executor fills in the defaults of its own version of the action. @throws MOLT_BAD_ARGUMENTS */
export function checkedArguments(action: AnyAction, args: unknown): unknown {
  const parsed = action.args.safeParse(args);
  if (parsed.success) return args;
  const places = parsed.error.issues.flatMap((issue) => {
    const path = `/args${issue.path.map((p) => `/${String(p)}`).join('')}`;
    if (issue.code !== 'unrecognized_keys') return [{ path, message: issue.message }];
    return issue.keys.map((key) => ({ path: `${path}/${key}`, message: `is not an argument of ${action.name}` }));
  });
  const said = places.slice(0, 3).map(({ path, message }) => `${path}: ${message}`);
  const rest = places.length > 3 ? ` and ${places.length - 3} more` : '';
  throw new MoltError('MOLT_BAD_ARGUMENTS', `the arguments do not fit ${action.name}: ${said.join('; ')}${rest}`, {
    places,
  });
}

function originOf({ request, origin }: Submission, callbacks: CallbacksConfig): Origin {
  const { callback } = request;
  if (!callback) return origin;
  assertCallbackAllowed(callback.url, callbacks);
  return { ...origin, callback };
}
