import type { ErrorCode } from '@moltbot/shared';
import type { Asker, ChatContext } from './chat-context.ts';

/** What may be otherwise in a moment: the event is given again, instead of telling somebody. */
const passing: ReadonlySet<ErrorCode> = new Set(['MOLT_STORE_DOWN', 'MOLT_SHUTTING_DOWN']);
/** The same, but not for ever: a file that never comes must not hold up its channel. */
const passingOnPlatform: ReadonlySet<ErrorCode> = new Set(['MOLT_CHAT_DOWN', 'MOLT_CHAT_LIMITED']);
const platformPatienceMs = 600_000;

/** Whether the event is to be given again, instead of telling somebody. */
export function isPassing({ clock, stopping }: ChatContext, { since }: Asker, code: ErrorCode): boolean {
  if (isOfPlatform(code)) return clock.now() - since < platformPatienceMs;
  // Whoever goes on may have more luck.
  return passing.has(code) || (code === 'MOLT_BUS_DOWN' && stopping.aborted);
}

/** Nobody can be told by the event itself then. */
export const isOfPlatform = (code: ErrorCode): boolean => passingOnPlatform.has(code);

/** Whether what is done without anybody who waits is to be tried again. */
export const isPassingForAll = (code: ErrorCode): boolean => passing.has(code) || code === 'MOLT_BUS_DOWN';
