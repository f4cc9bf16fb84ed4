import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { type Clock, withDeadline } from '@moltbot/shared';
import { type AddressGuard, assertLiteralAllowed, guardLookup } from './guarded-lookup.ts';

export interface Post {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface Answer {
  readonly status: number;
  readonly retryAfter?: string | undefined;
}

export interface Poster {
  /**
   * Resolves with any answer: redirects are not followed.
   * @throws MOLT_DEADLINE when none came in time, the guard's refusal when the address is not allowed, the signal's reason, or what
   * went wrong with the connection
   */
  post(post: Post, signal: AbortSignal): Promise<Answer>;
  /** Closes the connections that are kept. */
  close(): void;
}

export interface PosterOptions {
  readonly guard: AddressGuard;
  /** For all of a post, ms. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** More of an answer is not read: its connection is closed. */
const answerBytes = 64 * 1_024;
/** Time the rest of an answer gets once its status is known. */
const restMs = 1_000;
const keepAlive = { keepAlive: true, maxFreeSockets: 4, timeout: 30_000 };

/** Posts over HTTP/1.1 with kept connections; certificates are verified. */
export function createPoster({ guard, timeoutMs, clock }: PosterOptions): Poster {
  const agents = { http: new HttpAgent(keepAlive), https: new HttpsAgent(keepAlive) };
  const lookup = guardLookup(guard);
  return {
    async post(post, outer) {
      assertLiteralAllowed(post.url, guard);
      const isTls = post.url.protocol === 'https:';
      const options = { lookup, agent: isTls ? agents.https : agents.http, method: 'POST', headers: post.headers };
      const make = isTls ? httpsRequest : httpRequest;
      const endsAt = clock.monotonic() + timeoutMs;
      const response = await withDeadline({ ms: timeoutMs, what: 'the post', outer }, (signal) =>
        answerOf(post, (fresh) => make(post.url, { ...options, signal, ...(fresh && { agent: false }) })),
      );
      await drain(response, Math.min(restMs, endsAt - clock.monotonic()));
      return { status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] };
    },
    close() {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}

/** @param begin makes the request; `fresh`: not on a connection that was kept */
async function answerOf({ body }: Post, begin: (fresh: boolean) => ClientRequest): Promise<IncomingMessage> {
  const request = begin(false);
  try {
    return await send(request, body);
  } catch (error) {
    // The receiver closed a connection at the moment we took it to use it again: that is no failure of the receiver.
    if (request.reusedSocket && isReset(error)) return send(begin(true), body);
    throw error;
  }
}

function send(request: ClientRequest, body: Buffer): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.on('error', reject);
    request.once('close', () => reject(new Error('the connection was closed without an answer')));
    request.once('response', (response) => {
      response.on('error', () => {});
      resolve(response);
    });
    request.end(body);
  });
}

/** Reads what is left of an answer, so that its connection can serve again; what is long or slow is cut off. */
function drain(response: IncomingMessage, ms: number): Promise<void> {
  if (response.closed) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => response.destroy(), ms);
    let read = 0;
    response.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    response.on('data', (piece: Buffer) => {
      read += piece.length;
      if (read > answerBytes) response.destroy();
    });
  });
}

const isReset = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
