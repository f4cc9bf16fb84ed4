import { orAborted } from './time-limit.ts';

/** One attempt at something, shared by all who want it while it goes on, and given up when nobody wants it any more. */
export interface SharedAttempt<T> {
  /** Joins the attempt under way or begins one. @throws what the attempt does, or the reason of the signal */
  join(signal: AbortSignal): Promise<T>;
  isUnderWay(): boolean;
  /** Gives the attempt under way up. */
  abort(reason: Error): void;
}

interface Attempt<T> {
  readonly outcome: Promise<T>;
  readonly control: AbortController;
  waiting: number;
}

export function createSharedAttempt<T>(work: (signal: AbortSignal) => Promise<T>): SharedAttempt<T> {
  let current: Attempt<T> | undefined;

  const begin = (): Attempt<T> => {
    const control = new AbortController();
    const attempt: Attempt<T> = { outcome: work(control.signal), control, waiting: 0 };
    const done = (): void => {
      if (current === attempt) current = undefined;
    };
    attempt.outcome.then(done, done);
    return attempt;
  };
  return {
    isUnderWay: () => current !== undefined,
    abort: (reason) => current?.control.abort(reason),
    async join(signal) {
      signal.throwIfAborted();
      current ??= begin();
      const attempt = current;
      attempt.waiting++;
      try {
        return await orAborted(attempt.outcome, signal);
      } finally {
        attempt.waiting--;
        if (attempt.waiting === 0 && current === attempt) {
          current = undefined;
          attempt.control.abort(signal.reason);
        }
      }
    },
  };
}
