import { isMoltError } from '@moltbot/shared';

/** The host let us in and no shell of ours answered: a forced command, a restricted or an odd login shell. */
export class NoShellError extends Error {
  /** The login shell ended instead, and said so by an exit code: it will do the same the next time. */
  readonly isAnswer: boolean;
  /** Nothing answered in time: it may be a frozen network or a busy host, and pass. */
  readonly isSilence: boolean;

  constructor(isAnswer: boolean, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.name = 'NoShellError';
    this.isAnswer = isAnswer;
    this.isSilence = !isAnswer && isMoltError(cause) && cause.details['isSilence'] === true;
  }
}
