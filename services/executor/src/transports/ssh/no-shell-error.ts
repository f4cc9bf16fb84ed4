/** The host let us in and no shell of ours answered: a forced command, a restricted or an odd login shell. */
export class NoShellError extends Error {
  /** The login shell ended instead, and said so by an exit code: it will do the same the next time. */
  readonly isAnswer: boolean;

  constructor(isAnswer: boolean, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.name = 'NoShellError';
    this.isAnswer = isAnswer;
  }
}
