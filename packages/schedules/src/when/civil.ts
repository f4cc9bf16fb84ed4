/**
 * Local time without a zone, as the epoch milliseconds it would have in UTC: 2026-03-29T02:30 is Date.UTC(2026, 2, 29, 2, 30). Patterns are
 * written in it; zone.ts says which instants it is.
 */
export type Civil = number;

/** Times of a pattern, in civil time. */
export interface CivilPattern {
  /** The first one strictly after; undefined when there is none. */
  next(after: Civil): Civil | undefined;
  /** It runs in every hour: what matters is the time that passes, not what the clocks show. */
  readonly followsElapsedTime: boolean;
  /** There is a time of it, whenever: asked once a pattern, as many plans may share it. */
  readonly comes: boolean;
}

export const dayMs = 86_400_000;

/** Midnight of the day. */
export const dayOf = (civil: Civil): Civil => Math.floor(civil / dayMs) * dayMs;
