import { createHash } from 'node:crypto';
import { ApiError } from './api-error.ts';
import type { RateLimit } from './options.ts';
import type { Settings } from './settings.ts';

export interface Taken {
  /** `X-RateLimit-*`, for every answer of the route. */
  readonly headers: Readonly<Record<string, string>>;
  /** Set when the bucket is empty. */
  readonly retryAfterMs?: number;
}

export interface RateLimits {
  /** Takes one request of a route's bucket for a top-level resource (channel, guild, webhook). */
  take(route: string, resource: string): Taken;
  /** @returns milliseconds to wait when the second is used up */
  takeGlobal(): number | undefined;
}

interface Bucket {
  used: number;
  readonly resetsAt: number;
}

/** Fixed windows that begin with their first request. https://discord.com/developers/docs/topics/rate-limits */
export function createRateLimits({ rateLimits, limits }: Settings): RateLimits {
  const buckets = new Map<string, Bucket>();
  const current = (key: string, { windowMs }: RateLimit): Bucket => {
    const now = Date.now();
    const known = buckets.get(key);
    if (known && known.resetsAt > now) return known;
    const bucket = { used: 0, resetsAt: now + windowMs };
    buckets.set(key, bucket);
    return bucket;
  };
  return {
    take(route, resource) {
      const rule = rateLimits.get(route);
      if (!rule) return { headers: {} };
      const bucket = current(`${route} ${resource}`, rule);
      const refused = bucket.used >= rule.limit;
      if (!refused) bucket.used += 1;
      const headers = headersOf(route, rule, bucket);
      return refused ? { headers, retryAfterMs: bucket.resetsAt - Date.now() } : { headers };
    },
    takeGlobal() {
      const bucket = current('global', { limit: limits.globalRequests, windowMs: 1_000 });
      if (bucket.used >= limits.globalRequests) return bucket.resetsAt - Date.now();
      bucket.used += 1;
      return undefined;
    },
  };
}

const headersOf = (route: string, { limit }: RateLimit, { used, resetsAt }: Bucket): Record<string, string> => ({
  'x-ratelimit-limit': String(limit),
  'x-ratelimit-remaining': String(limit - used),
  'x-ratelimit-reset': (resetsAt / 1000).toFixed(3),
  'x-ratelimit-reset-after': (Math.max(0, resetsAt - Date.now()) / 1000).toFixed(3),
  'x-ratelimit-bucket': createHash('sha256').update(route).digest('hex').slice(0, 32),
});

/** Status 429. @param scope `shared` is a limit of the resource: it is not counted against the bot */
export function tooManyRequests(
  retryAfterMs: number,
  scope: 'user' | 'shared' | 'global',
  headers: Readonly<Record<string, string>> = {},
): ApiError {
  const seconds = Math.max(0, retryAfterMs) / 1000;
  return new ApiError(429, {
    code: 0,
    message: scope === 'shared' ? 'The resource is being rate limited.' : 'You are being rate limited.',
    details: { retry_after: Number(seconds.toFixed(3)), global: scope === 'global' },
    headers: {
      ...headers,
      'retry-after': String(Math.ceil(seconds)),
      'x-ratelimit-scope': scope,
      ...(scope === 'global' ? { 'x-ratelimit-global': 'true' } : {}),
    },
  });
}
