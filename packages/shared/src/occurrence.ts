import type { TaskState } from './task-state.ts';

/** `waiting` and `firing` are on their way to one of the other three, which are final. */
export type OccurrenceState = 'waiting' | 'firing' | 'fired' | 'skipped' | 'missed';

export const occurrenceStates: readonly OccurrenceState[] = ['waiting', 'firing', 'fired', 'skipped', 'missed'];

/**
 * Why one was not fired.
 * - skipped, as the schedule says: `dst-gap`, `dst-fold`, `calendar`, `overlap`, `queue-full`, `superseded` (a newer one took its place),
 *   `misfire` (one was run for several), `paused`.
 * - missed, though it should have been fired: `misfire` (policy skip), `window`, `deadline`, `refused` (the door said no: `error`),
 *   `in-doubt` (the store was emptied while it was fired, and its task may not run twice).
 */
export type OccurrenceReason =
  | 'dst-gap'
  | 'dst-fold'
  | 'calendar'
  | 'overlap'
  | 'queue-full'
  | 'superseded'
  | 'misfire'
  | 'paused'
  | 'window'
  | 'deadline'
  | 'refused'
  | 'in-doubt';

/** One planned instant of a schedule; under its schedule and instant there is one record, ever. */
export interface Occurrence {
  /** The planned instant, or that of the wish for a manual one; epoch ms. Of many that passed: the first. */
  readonly at: number;
  readonly kind: 'planned' | 'manual' | 'backfill';
  readonly state: OccurrenceState;
  readonly reason?: OccurrenceReason | undefined;
  /** More about the reason: the name of a calendar, the code and message of a refusal. */
  readonly note?: string | undefined;
  /** It stands for so many instants from `at` to `until`, which all ended the same way. */
  readonly count?: number | undefined;
  readonly until?: number | undefined;
  /** Of a fired one. */
  readonly taskId?: string | undefined;
  /** Not before: the instant and its jitter. Epoch ms. */
  readonly due: number;
  /** Epoch ms of the decision, and of the acceptance of the task. */
  readonly decidedAt: number;
  readonly firedAt?: number | undefined;
  /** How its task ended, where the schedule has a use for it. */
  readonly outcome?: TaskState | undefined;
}

/** Names one for ever: its task's id follows from it. */
export const occurrenceIdOf = (scheduleId: string, at: number): string => `${scheduleId}@${new Date(at).toISOString()}`;
