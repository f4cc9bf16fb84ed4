import type { ErrorCode } from '@moltbot/shared';

/** What a code says in a chat. */
export interface ErrorWords {
  readonly title: string;
  readonly remedy: string;
}

/** What only a configuration, an HTTP request, a callback, a dead letter or a notification can lead to. */
type NeverInAChat =
  | 'MOLT_BAD_CONFIG'
  | 'MOLT_PLUGIN'
  | 'MOLT_ENVELOPE'
  | 'MOLT_BAD_JSON'
  | 'MOLT_BODY_TOO_LARGE'
  | 'MOLT_BAD_MEDIA_TYPE'
  | 'MOLT_RANGE'
  | 'MOLT_KEY_MISSING'
  | 'MOLT_KEY_WRONG'
  | 'MOLT_NOT_UNKNOWN'
  | 'MOLT_BAD_CALLBACK'
  | 'MOLT_CALLBACK_FAILED'
  | 'MOLT_UNKNOWN_CHANNEL'
  | 'MOLT_NOTIFY_FAILED'
  | 'MOLT_NOTIFY_REFUSED'
  | 'MOLT_CANNOT_REPLAY';

/** The codes that somebody in a chat can meet, as the answer to a command or as the end of a run. */
export type ChatErrorCode = Exclude<ErrorCode, NeverInAChat>;
