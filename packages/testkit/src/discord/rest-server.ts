import type { IncomingMessage, ServerResponse } from 'node:http';
import { Silence } from '../stand-in/request-faults.ts';
import { ApiError, refusal } from './api-error.ts';
import { type Counters, count } from './counters.ts';
import { isFields } from './form.ts';
import { createInvalidRequests } from './invalid-requests.ts';
import { createRateLimits, type RateLimits, tooManyRequests } from './rate-limits.ts';
import { readBody } from './request-body.ts';
import { type RestFaults, suffer } from './rest-faults.ts';
import { type ApiAnswer, type FoundRoute, findRoute, type Route } from './router.ts';
import type { Settings } from './settings.ts';
import type { Token } from './token.ts';

/** A request as it came and went. */
export interface RequestRecord {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly method: string;
  /** Below `/api/v10`, with its query. */
  readonly path: string;
  readonly route: string;
  readonly body: unknown;
  /** 0 when it was not answered. */
  readonly status: number;
}

export interface RestServer {
  /** Answers a request below `/api`. */
  serve(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** The last 5000, oldest first. */
  records(): readonly RequestRecord[];
}

interface Deps {
  readonly settings: Settings;
  readonly routes: readonly Route[];
  readonly counters: Counters;
  readonly faults: RestFaults;
  readonly token: Token;
  /** Resolves when the platform is not frozen. */
  awake(): Promise<void>;
}

type Headers = Readonly<Record<string, string>>;

interface Outcome {
  readonly status: number;
  readonly body?: unknown;
  readonly headers: Headers;
}

/** What is known of a request while it is worked on. */
interface Progress {
  route: string;
  body: unknown;
  headers: Headers;
}

const keptRecords = 5_000;
/** Cloudflare's page for an address with too many invalid requests. */
const shutOut: Outcome = { status: 429, headers: { 'retry-after': '600', 'content-type': 'text/html' } };

/** https://discord.com/developers/docs/reference#http-api */
export function createRestServer({ settings, routes, counters, faults, token, awake }: Deps): RestServer {
  const limits = createRateLimits(settings);
  const invalid = createInvalidRequests(settings.limits.invalidRequests);
  const records: RequestRecord[] = [];

  const answer = async (request: IncomingMessage, url: URL, progress: Progress): Promise<Outcome> => {
    const [, version, path = '/'] = /^\/api\/v(\d+)(\/.*)$/.exec(url.pathname) ?? [];
    if (version !== '10') throw refusal('invalidApiVersion');
    if (!request.headers['user-agent']?.startsWith('DiscordBot (')) throw refusal('invalidUserAgent');
    const found = findRoute(routes, request.method ?? 'GET', path);
    const { route, params } = found;
    progress.route = route.name;
    count(counters.requests, route.name);
    const { body, files } = await readBody(request, settings.limits);
    progress.body = body;
    if (!route.byToken && request.headers.authorization !== `Bot ${token.current()}`) throw refusal('unauthorized');
    await suffer(faults.take(route.name, 'before'));
    progress.headers = takeLimits(limits, found);
    const fields = isFields(body) ? body : {};
    const done = await route.handle({ params, query: url.searchParams, body, fields, files });
    if (route.name === 'PATCH /channels/:channel/messages/:message') count(counters.edits, params['message'] ?? '');
    await suffer(faults.take(route.name, 'after'));
    return { ...withStatus(done), headers: progress.headers };
  };
  const outcomeOf = async (request: IncomingMessage, url: URL, progress: Progress): Promise<Outcome | Silence> => {
    try {
      return invalid.isShutOut() ? shutOut : await answer(request, url, progress);
    } catch (error) {
      if (error instanceof Silence) return error;
      if (!(error instanceof ApiError)) throw error;
      const body = error.status >= 500 ? undefined : { message: error.message, code: error.code, ...error.details };
      return { status: error.status, body, headers: { ...progress.headers, ...error.headers } };
    }
  };
  const note = ({ status, headers }: Outcome, { route }: Progress): void => {
    if (status === 429) count(counters.rateLimited, route);
    // https://discord.com/developers/docs/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans
    if (![401, 403, 429].includes(status) || headers['x-ratelimit-scope'] === 'shared') return;
    counters.invalidRequests += 1;
    invalid.add();
  };

  return {
    records: () => records,
    async serve(request, response) {
      await awake();
      const url = new URL(request.url ?? '/', 'http://stand-in');
      const progress: Progress = { route: 'unknown', body: undefined, headers: {} };
      const at = Date.now();
      const outcome = await outcomeOf(request, url, progress);
      await awake();
      const { route, body } = progress;
      const path = `${url.pathname.replace(/^\/api\/v\d+/, '')}${url.search}`;
      const status = outcome instanceof Silence ? 0 : outcome.status;
      records.push({ at, method: request.method ?? 'GET', path, route, body, status });
      if (records.length > keptRecords) records.shift();
      if (!(outcome instanceof Silence)) {
        note(outcome, progress);
        send(response, outcome);
      } else if (outcome.cuts) request.socket.destroy();
    },
  };
}

function takeLimits(limits: RateLimits, { route, resource }: FoundRoute): Headers {
  const wait = route.byToken ? undefined : limits.takeGlobal();
  if (wait !== undefined) throw tooManyRequests(wait, 'global');
  const { headers, retryAfterMs } = limits.take(route.name, resource);
  if (retryAfterMs !== undefined) throw tooManyRequests(retryAfterMs, 'user', headers);
  return headers;
}

const withStatus = ({ status, body }: ApiAnswer): Pick<Outcome, 'status' | 'body'> =>
  body === undefined ? { status: status ?? 204 } : { status: status ?? 200, body };

/** An answer without a body has no content type: a client would try to parse it. */
function send(response: ServerResponse, { status, body, headers }: Outcome): void {
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  response.writeHead(status, { ...type, ...headers });
  response.end(body === undefined ? '' : JSON.stringify(body));
}
