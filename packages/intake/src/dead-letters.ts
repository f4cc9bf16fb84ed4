import { createDeadLetterDesk } from './dead-letters-desk.ts';
import { createDeadLetterKeeper } from './dead-letters-keeper.ts';
import type { DeadLetterDeps, DeadLetters } from './dead-letters-port.ts';

/** Empties the dead queue into the store, gives the runs in it their end, and lets people look, replay and drop. */
export function createDeadLetters(deps: DeadLetterDeps): DeadLetters {
  const keeper = createDeadLetterKeeper(deps);
  return { ...keeper, ...createDeadLetterDesk(deps), name: 'dead-letters' };
}
