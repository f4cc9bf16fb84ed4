import { hasCode, MoltError } from '@moltbot/shared';

/** What of a failed request can be told: by the library's own errors, or those of the network. */
interface Facts {
  readonly status?: unknown;
  readonly code?: unknown;
  readonly retryAfter?: unknown;
  readonly timeToReset?: unknown;
  readonly name?: unknown;
  readonly message?: unknown;
}

/** An interaction was answered already. https://discord.com/developers/docs/topics/opcodes-and-status-codes#json */
export const alreadyAnswered = 40_060;
/** Message, channel or interaction is no more, its token has expired, or its thread is archived. */
const goneCodes: readonly unknown[] = [10_003, 10_008, 10_015, 10_062, 50_027, 50_083];

/** A failed request as a MoltError of the chat; `details.status` and `details.code` are Discord's. */
export function toChatError(error: unknown, what: string): MoltError {
  if (isChatError(error)) return error;
  const facts: Facts = typeof error === 'object' && error !== null ? error : {};
  const { status, code } = facts;
  const options = { cause: error, details: { status, code } };
  const said = `${what}: ${String(facts.message ?? error)}`;
  const limited = retryAfterOf(facts);
  if (limited !== undefined) {
    const details = { ...options.details, retryAfterMs: limited };
    return new MoltError('MOLT_CHAT_LIMITED', `${what}: it is asked too often`, { details });
  }
  if (goneCodes.includes(code) || status === 404) return new MoltError('MOLT_CHAT_GONE', said, options);
  if (typeof status === 'number' && status >= 400 && status < 500)
    return new MoltError('MOLT_CHAT_REFUSED', said, options);
  return new MoltError('MOLT_CHAT_DOWN', said, options);
}

const isChatError = (error: unknown): error is MoltError =>
  (['MOLT_CHAT_LIMITED', 'MOLT_CHAT_GONE', 'MOLT_CHAT_REFUSED', 'MOLT_CHAT_DOWN'] as const).some((code) =>
    hasCode(error, code),
  );

/** A second, where Discord does not say. */
const unsaidMs = 1_000;

/** Undefined unless the request met a limit: one that the library knew of, a 429, or too many edits of old messages (30046). */
function retryAfterOf({ name, status, retryAfter, timeToReset }: Facts): number | undefined {
  const isLimit = status === 429 || (typeof name === 'string' && name.startsWith('RateLimitError'));
  if (!isLimit) return undefined;
  const waits = [retryAfter, timeToReset].filter(
    (ms): ms is number => typeof ms === 'number' && ms > 0 && ms < Number.POSITIVE_INFINITY,
  );
  return Math.max(...waits, waits.length === 0 ? unsaidMs : 0);
}
