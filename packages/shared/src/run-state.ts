/** Every state a run can be in. `held` waits for approval; `unknown` started, and the truth cannot be learned. */
export const runStates = [
  'held',
  'queued',
  'claimed',
  'running',
  'succeeded',
  'failed',
  'timed-out',
  'cancelled',
  'unknown',
  'undeliverable',
  'expired',
] as const;

export type RunState = (typeof runStates)[number];

/** The one table of legal moves. A state with no moves is final, and final states are final. */
export const legalRunMoves: Readonly<Record<RunState, readonly RunState[]>> = {
  held: ['queued', 'cancelled', 'expired'],
  queued: ['claimed', 'cancelled', 'expired', 'undeliverable'],
  claimed: ['queued', 'running', 'failed', 'timed-out', 'cancelled', 'unknown', 'undeliverable', 'expired'],
  // Back to queued: what may be run again (RunClass) waits for its next attempt.
  running: ['queued', 'succeeded', 'failed', 'timed-out', 'cancelled', 'unknown'],
  succeeded: [],
  failed: [],
  'timed-out': [],
  cancelled: [],
  unknown: [],
  undeliverable: [],
  expired: [],
};

export const isFinal = (state: RunState): boolean => legalRunMoves[state].length === 0;

export const isLegalRunMove = (from: RunState, to: RunState): boolean => legalRunMoves[from].includes(to);

/** States in which a worker holds the run under a lease. */
export const isLeased = (state: RunState): boolean => state === 'claimed' || state === 'running';
