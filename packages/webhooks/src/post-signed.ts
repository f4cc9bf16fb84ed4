import { type Clock, hasCode } from '@moltbot/shared';
import type { Answer, Poster } from './post.ts';
import { retryAfterToMs } from './retry-after.ts';
import { signPost } from './sign-post.ts';

export interface SignedPost {
  readonly url: URL;
  /** `whsec_` and base64. */
  readonly secret: string;
  /** The same at every try: receivers tell copies by it. */
  readonly id: string;
  /** JSON. */
  readonly body: Buffer;
}

/**
 * What one try came to.
 * - `refused`: the receiver wants no more of this.
 * - `failed`: worth another try; `hung` when no answer came in time, without a status when there was none.
 * - `interrupted`: the signal aborted before the answer.
 */
export type PostVerdict =
  | { readonly kind: 'delivered'; readonly status: number }
  | { readonly kind: 'refused'; readonly status: number; readonly why: string }
  | {
      readonly kind: 'failed';
      readonly status?: number;
      readonly why: string;
      readonly hung: boolean;
      readonly retryAfterMs: number;
    }
  | { readonly kind: 'interrupted' };

const userAgent = 'moltbot/0.1.0';

/** Posts once, signed (https://www.standardwebhooks.com). Never rejects. */
export async function postSigned(
  post: SignedPost,
  { poster, clock, signal }: { readonly poster: Poster; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<PostVerdict> {
  try {
    const signed = signPost({ ...post, at: clock.now() });
    const headers = { ...signed, 'content-type': 'application/json', 'user-agent': userAgent };
    return verdictOf(await poster.post({ ...post, headers }, signal), clock.now());
  } catch (err) {
    if (signal.aborted) return { kind: 'interrupted' };
    return { kind: 'failed', why: whyOf(err), hung: hasCode(err, 'MOLT_DEADLINE'), retryAfterMs: 0 };
  }
}

function verdictOf({ status, retryAfter }: Answer, now: number): PostVerdict {
  if (status >= 200 && status < 300) return { kind: 'delivered', status };
  if (status === 410) return { kind: 'refused', status, why: '410, the receiver wants no more of it' };
  const why = status >= 300 && status < 400 ? `${status}, and redirects are not followed` : `${status}`;
  return { kind: 'failed', status, why, hung: false, retryAfterMs: retryAfterToMs(retryAfter, now) };
}

/** Connecting to several addresses at once fails with a code and no message. */
function whyOf(err: unknown): string {
  if (!(err instanceof Error)) return String(err);
  return err.message || ('code' in err ? String(err.code) : err.name);
}
