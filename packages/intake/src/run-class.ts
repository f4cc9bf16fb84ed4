import type { AnyAction } from '@moltbot/plugin-sdk';
import { MoltError, type RunClass, type Target, type TaskRequest } from '@moltbot/shared';

/** The class of a task: what the request asks for, else what the action says. @throws MOLT_BAD_REQUEST when it cannot be guarded */
export function runClassOf(
  request: Pick<TaskRequest, 'class'>,
  action: Pick<AnyAction, 'name' | 'effects' | 'class'>,
  targets: readonly Target[],
): RunClass {
  if (request.class === 'guarded') assertGuarded(action, targets);
  return request.class ?? classOfAction(action);
}

/** What acts by itself cannot be guarded: its effects leave no record on the target. */
export function classOfAction({ effects, class: own }: Pick<AnyAction, 'effects' | 'class'>): RunClass {
  const canBeGuarded = effects === 'by-exec';
  if (own !== undefined && (own !== 'guarded' || canBeGuarded)) return own;
  return canBeGuarded ? 'guarded' : 'at-most-once';
}

function assertGuarded(action: Pick<AnyAction, 'name' | 'effects'>, targets: readonly Target[]): void {
  if (action.effects !== 'by-exec')
    throw cannotGuard(`${action.name} acts by itself, and no target keeps a record of that`);
  const unguarded = targets.filter(({ guard }) => guard === 'off').map(({ name }) => name);
  const [first, ...others] = unguarded;
  if (first === undefined) return;
  const more = others.length > 0 ? ` and ${others.length} more` : '';
  throw cannotGuard(`the guard of ${first}${more} is off`);
}

const cannotGuard = (why: string): MoltError =>
  new MoltError('MOLT_BAD_REQUEST', `it cannot be guarded: ${why}`, {
    places: [{ path: '/class', message: `cannot be guarded: ${why}` }],
    remedy: 'Ask for the class at-most-once, or for none.',
  });
