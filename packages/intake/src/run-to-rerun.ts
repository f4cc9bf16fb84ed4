import type { AnyAction } from '@moltbot/plugin-sdk';
import { newId, type Origin, type Principal, runIdOf, type Target, type Task } from '@moltbot/shared';
import { checkedArguments, type Orders } from './request-to-orders.ts';

export interface RerunOf {
  readonly task: Task;
  readonly target: Target;
  readonly action: AnyAction;
  /** Default: a new one. */
  readonly id?: string | undefined;
}

/** A task of one run that does on this target what `task` was to do. @throws MOLT_BAD_ARGUMENTS when the action has changed */
export function runToRerun({ task, target, action, id = newId() }: RerunOf, principal: Principal, now: number): Orders {
  const again: Task = {
    ...task,
    id,
    origin: withoutAnswer(task.origin),
    args: checkedArguments(action, task.args),
    on: target.name,
    principal,
    acceptedAt: now,
    trace: id.replaceAll('-', ''),
    runs: 1,
  };
  return { task: again, orders: [{ runId: runIdOf(id, 0), index: 0, target, task: again }] };
}

/** The message that stands for the answer to the first shows that one. */
function withoutAnswer(origin: Origin): Origin {
  if (origin.kind !== 'chat') return origin;
  const { answer: _former, ...rest } = origin;
  return rest;
}
