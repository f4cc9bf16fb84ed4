import type { ErrorCode } from '@moltbot/shared';

/** What a code says in a chat. */
export interface ErrorWords {
  readonly title: string;
  readonly remedy: string;
}

/** The codes that somebody in a chat can meet, as the answer to a command or as the end of a run. */
export type ChatErrorCode = Extract<
  ErrorCode,
  | `MOLT_CHAT_${string}`
  | `MOLT_RUN_${string}`
  | `MOLT_SSH_${string}`
  | 'MOLT_UNKNOWN_ACTION'
  | 'MOLT_BAD_ARGUMENTS'
  | 'MOLT_BAD_DURATION'
  | 'MOLT_BAD_REQUEST'
  | 'MOLT_BAD_SELECTOR'
  | 'MOLT_NO_TARGETS'
  | 'MOLT_TOO_MANY_TARGETS'
  | 'MOLT_NOT_FOUND'
  | 'MOLT_RATE_LIMITED'
  | 'MOLT_IDEMPOTENCY_CONFLICT'
  | 'MOLT_TASK_FINAL'
  | 'MOLT_BUS_DOWN'
  | 'MOLT_BUS_FULL'
  | 'MOLT_STORE_DOWN'
  | 'MOLT_NO_EXECUTOR'
  | 'MOLT_SHUTTING_DOWN'
  | 'MOLT_DEADLINE'
  | 'MOLT_ACTION_FAILED'
  | 'MOLT_BAD_DATA'
  | 'MOLT_NO_GUARD'
  | 'MOLT_TRANSPORT'
  | 'MOLT_INTERNAL'
>;
