import type { Occurrence, OccurrenceState } from '@moltbot/shared';

/** To which states an occurrence may move from each; evidence that it was fired wins over a guess that it was missed. */
export const occurrenceMoves: Readonly<Record<OccurrenceState, readonly OccurrenceState[]>> = {
  waiting: ['firing', 'skipped', 'missed'],
  firing: ['fired', 'missed'],
  fired: [],
  skipped: [],
  missed: ['fired'],
};

/** Whether the leader still has something to do about it. */
export const isOpenOccurrence = ({ state, outcome }: Pick<Occurrence, 'state' | 'outcome'>, follow: boolean): boolean =>
  state === 'waiting' || state === 'firing' || (state === 'fired' && follow && outcome === undefined);
