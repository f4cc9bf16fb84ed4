import type {
  Occurrence,
  OccurrenceState,
  SchedulePause,
  ScheduleRecord,
  ScheduleSpec,
  TaskState,
} from '@moltbot/shared';

export interface PutSchedule {
  readonly tenant: string;
  readonly id: string;
  readonly spec: ScheduleSpec;
  readonly source: ScheduleRecord['source'];
  /** Id of the principal. */
  readonly by: string;
  /** Stands for all of the spec that decides which instants are planned: under the same plan the cursor is kept. */
  readonly plan: string;
}

export type PutOutcome =
  | { readonly kind: 'created' | 'replaced' | 'same'; readonly record: ScheduleRecord }
  /** It belongs to the other source. */
  | { readonly kind: 'foreign'; readonly record: ScheduleRecord };

export interface ScheduleQuery {
  readonly limit: number;
  /** From the page before. */
  readonly cursor?: string | undefined;
}

export interface SchedulePage {
  /** By id. */
  readonly schedules: readonly ScheduleRecord[];
  readonly cursor?: string | undefined;
}

/** In order of revision. A deleted one has no record. */
export interface ScheduleChanges {
  readonly changes: readonly { readonly id: string; readonly revision: number; readonly record?: ScheduleRecord }[];
  /** The last revision that the tenant has given; lower than one that was seen before when the store has lost its records; 0 for none. */
  readonly revision: number;
}

/** A new occurrence as its decider knows it. */
export type NewOccurrence = Omit<Occurrence, 'decidedAt' | 'firedAt' | 'outcome'>;

export interface Decision {
  readonly tenant: string;
  readonly scheduleId: string;
  /** Of the record it was made from. */
  readonly revision: number;
  /** Of the leader's lease; 0 for who decides without one (manual, backfill). */
  readonly epoch: number;
  /** Every planned instant up to this one is decided; absent: the cursor stays. */
  readonly cursor?: number | undefined;
  readonly occurrences: readonly NewOccurrence[];
}

/**
 * - `ok`: `taken` says of each whether this decision made it; false when there was one under its instant.
 * - `stale`: the schedule has another revision: look at it again.
 * - `fenced`: a later leader has decided for this schedule.
 * - `absent`: there is no such schedule.
 */
export type DecideOutcome =
  | { readonly kind: 'ok'; readonly taken: readonly boolean[] }
  | { readonly kind: 'stale' | 'fenced' | 'absent' };

/** What changes when an occurrence moves on. */
export interface OccurrenceMove {
  readonly tenant: string;
  readonly scheduleId: string;
  readonly at: number;
  /** In which it must be: else `illegal`. Default: any from which the move is legal. */
  readonly from?: OccurrenceState | undefined;
  readonly to: Pick<Occurrence, 'state' | 'reason' | 'note' | 'taskId'>;
  /** `fired`: its end is of use to the schedule, so it stays listed as open until `endOccurrence`. */
  readonly follow?: boolean | undefined;
}

export interface OccurrenceEnd {
  readonly tenant: string;
  readonly scheduleId: string;
  readonly at: number;
  readonly outcome: TaskState;
  /** Whether it counts as a failure: else the count of failures begins anew. Absent: the count stays (a cancel says nothing). */
  readonly failed?: boolean | undefined;
}

export interface OccurrenceQuery {
  /** Planned at or after / before, epoch ms. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  readonly states?: readonly OccurrenceState[] | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export interface OccurrencePage {
  /** Newest first. A page can be short and still have a cursor when filters passed over many. */
  readonly occurrences: readonly Occurrence[];
  readonly cursor?: string | undefined;
}

export interface OpenOccurrence {
  readonly scheduleId: string;
  readonly occurrence: Occurrence;
}

/** Schedules, and what became of each of their instants. Each call is one atomic step; time is the store's. */
export interface ScheduleStore {
  /**
   * Makes or replaces one. `same` when nothing of it differs: it keeps its revision. A new one, and one whose plan changed, has decided
   * everything up to now; one that is enabled again has been inactive until now. Keeps `failures`; a pause stays.
   */
  putSchedule(wanted: PutSchedule): Promise<PutOutcome>;
  /** Puts back what an emptied store has forgotten: those that are absent, as they are given, under new revisions. Returns their number. */
  restoreSchedules(tenant: string, records: readonly (ScheduleRecord & { readonly plan: string })[]): Promise<number>;
  getSchedule(tenant: string, id: string): Promise<ScheduleRecord | undefined>;
  listSchedules(tenant: string, query: ScheduleQuery): Promise<SchedulePage>;
  /** Its occurrences stay readable for their retention. `foreign`: it belongs to the other source. */
  dropSchedule(tenant: string, id: string, source: ScheduleRecord['source']): Promise<'ok' | 'absent' | 'foreign'>;
  /** Pauses, or resumes with undefined: then it has been inactive until now, and its failures are counted anew. `same`: it is so already. */
  pauseSchedule(
    tenant: string,
    id: string,
    pause: Omit<SchedulePause, 'at'> | undefined,
  ): Promise<'ok' | 'same' | 'absent'>;
  /** What changed after a revision, at most `limit`. */
  changedSchedules(tenant: string, after: number, limit: number): Promise<ScheduleChanges>;

  /** Records what becomes of instants that nobody has decided yet, and moves the cursor, in one step. The cursor never moves back. */
  decideOccurrences(decision: Decision): Promise<DecideOutcome>;
  /**
   * waiting → firing, skipped or missed; firing → fired or missed; and, as evidence wins, missed → fired. `illegal` for every other
   * move; repeating one that was made is `ok`.
   */
  moveOccurrence(move: OccurrenceMove): Promise<'ok' | 'illegal' | 'absent'>;
  /**
   * missed or skipped → waiting, as `backfill`; absent ones are made. A row that stands for many stays: it begins a millisecond later when
   * its first is opened, and the others in it count as absent.
   */
  reopenOccurrence(tenant: string, scheduleId: string, at: number): Promise<'ok' | 'illegal' | 'absent'>;
  /** Notes how the task of a fired one ended, once: it is open no longer. Returns the failures in a row from then on, or undefined when it was noted before. */
  endOccurrence(end: OccurrenceEnd): Promise<number | undefined>;
  getOccurrence(tenant: string, scheduleId: string, at: number): Promise<Occurrence | undefined>;
  listOccurrences(tenant: string, scheduleId: string, query: OccurrenceQuery): Promise<OccurrencePage>;
  /** Those waiting, firing, or fired and followed, by due time; those of deleted schedules as well. */
  listOpenOccurrences(
    tenant: string,
    query: { readonly limit: number; readonly after?: OpenOccurrence | undefined },
  ): Promise<readonly OpenOccurrence[]>;
}
