/** How long what has ended is kept. */
export interface Retention {
  /** A task, its runs and its idempotency key, after the end of the task, ms. */
  readonly tasksMs: number;
  /** The output of a run, after its end, ms. */
  readonly outputMs: number;
  /** An occurrence of a schedule, after it was fired and its task has ended, or it was skipped or missed, ms. Default: as tasks. */
  readonly occurrencesMs?: number | undefined;
}
