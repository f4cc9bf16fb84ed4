import { isFinal, type RunCounts, runStates } from '@moltbot/shared';
import type { Texts } from '../texts/english.ts';
import { rankOf } from './failures.ts';

const cells = 10;

/** `██████░░░░ 18/30`. Full when all is done, and only then. */
export function progressBar(done: number, total: number): string {
  const filled = done >= total ? cells : Math.floor((Math.max(0, done) / total) * cells);
  return `${'█'.repeat(filled)}${'░'.repeat(cells - filled)} ${done}/${total}`;
}

export const countDone = (counts: RunCounts): number =>
  runStates.filter(isFinal).reduce((sum, state) => sum + (counts[state] ?? 0), 0);

/** `2 failed · 12 running · 16 succeeded` */
export function countsInWords(counts: RunCounts, t: Texts): string {
  const states = runStates.filter((state) => (counts[state] ?? 0) > 0).toSorted((a, b) => rankOf(a) - rankOf(b));
  return t.facts(states.map((state) => t.stateCount(t.states[state], counts[state] ?? 0)));
}
