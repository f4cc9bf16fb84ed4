/** What the client did, counted since the start. */
export interface Counters {
  /** Gateway connections taken. */
  connections: number;
  identifies: number;
  /** RESUMEs asked for, and those that went through. */
  resumes: number;
  resumed: number;
  /** Op 9 sent because the client began too often or resumed what is gone. */
  invalidSessions: number;
  /** Tokens reset because of too many IDENTIFYs. */
  tokenResets: number;
  /** By route, refused ones too: `POST /channels/:channel/messages`. */
  readonly requests: Map<string, number>;
  /** Answers 429, by route. */
  readonly rateLimited: Map<string, number>;
  /** Answers 401, 403 and 429 but those of scope `shared`. */
  invalidRequests: number;
  /** Edits made by the bot, by message id. */
  readonly edits: Map<string, number>;
}

export const createCounters = (): Counters => ({
  connections: 0,
  identifies: 0,
  resumes: 0,
  resumed: 0,
  invalidSessions: 0,
  tokenResets: 0,
  requests: new Map(),
  rateLimited: new Map(),
  invalidRequests: 0,
  edits: new Map(),
});

export function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
