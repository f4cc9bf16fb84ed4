import {
  type Callback,
  type Clock,
  type Envelope,
  hasCode,
  type Logger,
  type RunRecord,
  replyIdOf,
} from '@moltbot/shared';
import type { Store } from '@moltbot/store';
import type { Answer, Poster } from './post.ts';
import { replyToBody } from './reply-to-body.ts';
import { retryAfterToMs } from './retry-ladder.ts';
import { signPost } from './sign-post.ts';

export interface TryDeps {
  readonly store: Pick<Store, 'getRuns'>;
  readonly poster: Poster;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborts when posts under way must be handed over. */
  readonly handOver: AbortSignal;
}

/**
 * What one try came to.
 * - `refused`: the receiver wants no more of this.
 * - `failed`: worth another try; `hung` when no answer came in time.
 * - `interrupted`: we stopped waiting for the answer.
 */
export type Verdict =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'failed'; readonly why: string; readonly hung: boolean; readonly retryAfterMs: number }
  | { readonly kind: 'interrupted' };

const userAgent = 'moltbot/0.1.0';

/** Posts the reply once. Never rejects; one log line. */
export async function tryPost(
  message: Envelope<'reply'>,
  { url, secret }: { readonly url: URL } & Pick<Callback, 'secret'>,
  deps: TryDeps,
): Promise<Verdict> {
  const { clock, handOver, log, poster } = deps;
  const startedAt = clock.monotonic();
  const tries = message.body.tries + 1;
  const fields = () => ({ tries, ms: Math.round(clock.monotonic() - startedAt) });
  try {
    const body = replyToBody(message.body, await runsOf(message, deps));
    const signed = signPost({ id: replyIdOf(message.body.task.id), at: clock.now(), body, secret });
    const headers = { ...signed, 'content-type': 'application/json', 'user-agent': userAgent };
    const answer = await poster.post({ url, headers, body }, handOver);
    const verdict = verdictOf(answer, clock.now());
    const { status } = answer;
    if (verdict.kind === 'delivered') log.info({ ...fields(), status }, 'posted a reply');
    else log.warn({ ...fields(), status }, 'a receiver did not take its reply');
    return verdict;
  } catch (err) {
    if (handOver.aborted) {
      log.info(fields(), 'a post is broken off; another process makes it again');
      return { kind: 'interrupted' };
    }
    const why = whyOf(err);
    log.warn({ ...fields(), error: why }, 'a reply could not be posted');
    return { kind: 'failed', why, hung: hasCode(err, 'MOLT_DEADLINE'), retryAfterMs: 0 };
  }
}

function verdictOf({ status, retryAfter }: Answer, now: number): Verdict {
  if (status >= 200 && status < 300) return { kind: 'delivered' };
  if (status === 410) return { kind: 'refused', why: '410, the receiver wants no more of it' };
  const why = status >= 300 && status < 400 ? `${status}, and redirects are not followed` : `${status}`;
  return { kind: 'failed', why, hung: false, retryAfterMs: retryAfterToMs(retryAfter, now) };
}

/** Connecting to several addresses at once fails with a code and no message. */
function whyOf(err: unknown): string {
  if (!(err instanceof Error)) return String(err);
  return err.message || ('code' in err ? String(err.code) : err.name);
}

/** None when the store cannot tell now: the end of a task is worth saying without them. */
async function runsOf({ tenant, body }: Envelope<'reply'>, { store, log }: TryDeps): Promise<readonly RunRecord[]> {
  try {
    return await store.getRuns(tenant, body.task.id);
  } catch (err) {
    log.warn({ err }, 'the runs of a reply cannot be read; it is posted without them');
    return [];
  }
}
