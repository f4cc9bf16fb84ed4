/** What the client did, counted since the start. */
export interface Counters {
  /** Access tokens asked for. */
  tokens: number;
  /** Long connections asked for at the endpoint, and those that came. */
  endpoints: number;
  connections: number;
  pings: number;
  /** By route, refused ones too: `POST /im/v1/messages`. */
  readonly requests: Map<string, number>;
  /** Answers that said "too often", by route: HTTP 429, and the codes 99991400, 230020 and 11232. */
  readonly rateLimited: Map<string, number>;
  /** Answers that are no success, by code. */
  readonly refusals: Map<number, number>;
  /** Updates of cards and edits of texts by an app, by message id. */
  readonly edits: Map<string, number>;
  /** Operations on card entities, by card id. */
  readonly cardOperations: Map<string, number>;
  /** Events sent, every attempt of them, and those that were acknowledged. */
  attempts: number;
  acknowledged: number;
}

export const createCounters = (): Counters => ({
  tokens: 0,
  endpoints: 0,
  connections: 0,
  pings: 0,
  requests: new Map(),
  rateLimited: new Map(),
  refusals: new Map(),
  edits: new Map(),
  cardOperations: new Map(),
  attempts: 0,
  acknowledged: 0,
});

export function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
