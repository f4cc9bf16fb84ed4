/** The time in which this instance leads. */
export interface Term {
  /** Grows with each term, of whichever instance: carried into the store, where that of an earlier one is refused. */
  readonly epoch: number;
  /** Aborts when it is over, or about to be. */
  readonly signal: AbortSignal;
  /** Asks the clock, not a timer: true at once in a process that was frozen past its lease. */
  isOver(): boolean;
}
