import type { AttemptNote } from '@moltbot/shared';
import type { HeldRun } from './port.ts';

type Bytes = HeldRun['stored'];

/** What of the stored bytes is of the attempt after the last note. */
export function ofAttempt(stored: Bytes, history: readonly AttemptNote[]): Bytes {
  const { stdoutBytes = 0, stderrBytes = 0 } = history.at(-1) ?? {};
  return { stdout: stored.stdout - stdoutBytes, stderr: stored.stderr - stderrBytes };
}
