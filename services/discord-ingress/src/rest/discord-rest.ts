import { REST, type RESTOptions } from '@discordjs/rest';
import type { ChatFile } from '@moltbot/chat';
import type { Secret } from '@moltbot/shared';
import { toChatError } from './rest-error.ts';

export type Method = 'get' | 'post' | 'patch' | 'put' | 'delete';

export interface RestCall {
  readonly body?: unknown;
  readonly files?: readonly ChatFile[];
  readonly query?: Readonly<Record<string, string>>;
  /** False for what carries a token of its own: answers to interactions. Default true. */
  readonly auth?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Discord's REST API: nothing is repeated and nothing waits for a limit here; who asks decides. */
export interface DiscordRest {
  /** @param route `/channels/1/messages` @throws MOLT_CHAT_LIMITED, _DOWN, _GONE or _REFUSED */
  call<T>(method: Method, route: string, call?: RestCall): Promise<T>;
  /** Ends its timers. */
  close(): void;
}

/** What an answer says of the limit of its route. */
export interface SeenLimit {
  readonly method: string;
  /** With placeholders: `/channels/:id/messages/:id`. */
  readonly route: string;
  readonly limit: number;
  readonly remaining: number;
  readonly resetAfterMs: number;
}

export interface RestSettings {
  /** Without the version. */
  readonly api: string;
  readonly token: Secret;
  readonly timeoutMs: number;
  onLimit(limit: SeenLimit): void;
}

export function createDiscordRest({ api, token, timeoutMs, onLimit }: RestSettings): DiscordRest {
  const options: Partial<RESTOptions> = {
    ...{ version: '10', api: api.replace(/\/+$/, ''), retries: 0, timeout: timeoutMs },
    // Else it queues what stands before a limit, and stale edits delay the last one.
    rejectOnRateLimit: () => true,
  };
  const rest = new REST(options).setToken(token.reveal());
  rest.on('response', ({ method, route }, { headers }) => {
    const number = (name: string): number => Number(headers.get(name) ?? Number.NaN);
    const [limit, remaining] = [number('x-ratelimit-limit'), number('x-ratelimit-remaining')];
    const resetAfterMs = number('x-ratelimit-reset-after') * 1_000;
    if (Number.isFinite(limit + remaining + resetAfterMs)) onLimit({ method, route, limit, remaining, resetAfterMs });
  });
  return {
    async call<T>(
      method: Method,
      route: string,
      { body, files = [], query, auth = true, signal }: RestCall = {},
    ): Promise<T> {
      // The library's own time-out ends with the headers of the answer; this one holds for the whole of it.
      const deadline = AbortSignal.timeout(timeoutMs);
      try {
        return (await rest[method](route as `/${string}`, {
          ...{ auth, signal: signal ? AbortSignal.any([signal, deadline]) : deadline },
          ...(body === undefined ? {} : { body }),
          ...(query ? { query: new URLSearchParams(query) } : {}),
          ...(files.length > 0 ? { files: files.map(({ name, bytes }) => ({ name, data: bytes })) } : {}),
        })) as T;
      } catch (error) {
        // A refused token is forgotten by the library, which then refuses everything by itself.
        if (auth) rest.setToken(token.reveal());
        throw toChatError(error, `Discord, ${method.toUpperCase()} ${shortened(route)}`);
      }
    },
    close() {
      rest.clearHashSweeper();
      rest.clearHandlerSweeper();
    },
  };
}

/** Tokens of interactions are secrets for some minutes. */
const shortened = (route: string): string => route.replace(/^(\/(?:interactions|webhooks)\/\d+\/)[^/]+/, '$1…');
