/** Which of a session's events are handled. An event is numbered by its place in the session. */
export interface Sequence {
  readonly sessionId: string;
  /** The number of the last one that came. */
  received(): number;
  /** All up to this number are handled: a session that is resumed after it loses nothing. */
  handled(): number;
  /** One came. @returns to be called when it is handled */
  take(number: number): () => void;
}

export function createSequence(sessionId: string, from: number): Sequence {
  const open = new Set<number>();
  let last = from;
  return {
    sessionId,
    received: () => last,
    // They come in order: so does the set.
    handled: () => (open.values().next().value ?? last + 1) - 1,
    take(number) {
      if (number <= last) return () => {};
      last = number;
      open.add(number);
      return () => void open.delete(number);
    },
  };
}
