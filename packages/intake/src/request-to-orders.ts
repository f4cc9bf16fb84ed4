import type { AnyAction } from '@moltbot/plugin-sdk';
import {
  MoltError,
  newId,
  parseDuration,
  type RunLimits,
  type RunOrder,
  runIdOf,
  type Target,
  type Task,
} from '@moltbot/shared';
import type { Submission } from './port.ts';

export interface OrderDefaults {
  readonly limits: RunLimits;
  readonly now: () => number;
}

/** A checked request to the task and its runs, one a target. @throws MOLT_BAD_ARGUMENTS, MOLT_BAD_DURATION */
export function requestToOrders(
  submission: Submission,
  { action, targets }: { readonly action: AnyAction; readonly targets: readonly Target[] },
  defaults: OrderDefaults,
): { readonly task: Task; readonly orders: readonly RunOrder[] } {
  const { request, principal, origin } = submission;
  const id = newId();
  const task: Task = {
    id,
    action: action.name,
    args: checkedArguments(action, request.args),
    on: request.on,
    priority: request.priority,
    limits: limitsOf(submission, defaults.limits),
    principal,
    origin,
    acceptedAt: defaults.now(),
    trace: submission.trace ?? id.replaceAll('-', ''),
    runs: targets.length,
  };
  return { task, orders: targets.map((target, index) => ({ runId: runIdOf(id, index), index, target, task })) };
}

function checkedArguments(action: AnyAction, args: unknown): unknown {
  const parsed = action.args.safeParse(args);
  // What travels is what was sent: the executor fills in the defaults of its own version of the action.
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

function limitsOf({ request }: Submission, defaults: RunLimits): RunLimits {
  return {
    ...defaults,
    ...(request.connectTimeout ? { connectMs: limitOf('connectTimeout', request.connectTimeout, 1) } : {}),
    ...(request.idleTimeout ? { idleMs: limitOf('idleTimeout', request.idleTimeout, 0) } : {}),
    ...(request.timeout ? { totalMs: limitOf('timeout', request.timeout, 1) } : {}),
  };
}

/** Timers of Node hold at most 2^31 - 1 ms; a longer one would fire at once. */
const longestMs = 7 * 86_400_000;

function limitOf(name: string, text: string, leastMs: number): number {
  const ms = parseDuration(text);
  if (ms >= leastMs && ms <= longestMs) return ms;
  const message = ms < leastMs ? 'must be longer than nothing' : 'must be 7d at most';
  throw new MoltError('MOLT_BAD_DURATION', `${name} ${message}`, { places: [{ path: `/${name}`, message }] });
}
