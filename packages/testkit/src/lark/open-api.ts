import type { IncomingMessage, ServerResponse } from 'node:http';
import { Silence } from '../stand-in/request-faults.ts';
import { ApiError, bodyOfError, refusal, tooManyRequests } from './api-error.ts';
import { type Counters, count } from './counters.ts';
import type { Fields } from './fields.ts';
import { newLogId } from './ids.ts';
import type { App } from './model.ts';
import type { OpenRoute } from './open-routes.ts';
import { readBody } from './request-body.ts';
import { GatewayError, type RestFaults, suffer } from './rest-faults.ts';
import { type ApiAnswer, findRoute, type Route } from './router.ts';
import type { Settings } from './settings.ts';
import type { Tokens } from './tokens.ts';
import type { Windows } from './windows.ts';

/** A request as it came and went. */
export interface RequestRecord {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly route: string;
  /** Of the app whose token it came with. */
  readonly appId: string | undefined;
  readonly body: Fields;
  /** Bytes of uploaded files, by field. */
  readonly files: Readonly<Record<string, number>>;
  /** 0 when it was not answered. */
  readonly status: number;
  /** Of the answer's body; 0 is a success. */
  readonly code: number;
}

export interface OpenApi {
  serve(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** The last 5000, oldest first. */
  records(): readonly RequestRecord[];
}

interface Deps {
  readonly settings: Settings;
  readonly routes: readonly Route[];
  readonly openRoutes: readonly OpenRoute[];
  readonly counters: Counters;
  readonly faults: RestFaults;
  readonly tokens: Tokens;
  readonly windows: Windows;
  /** Resolves when the platform is not frozen. */
  awake(): Promise<void>;
}

type Outcome =
  | { readonly status: number; readonly body: object; readonly headers?: Readonly<Record<string, string>> }
  | { readonly status: number; readonly file: Buffer; readonly name: string; readonly type: string }
  | { readonly status: number };

/** What is known of a request while it is worked on. */
interface Progress {
  route: string;
  app: App | undefined;
  body: Fields;
  files: Readonly<Record<string, number>>;
}

const keptRecords = 5_000;
const tooOftenCodes = [99991400, 230020, 11232];

/** https://open.feishu.cn/document/ukTMukTMukTM/uITNz4iM1MjLyUzM */
export function createOpenApi(deps: Deps): OpenApi {
  const { settings, routes, openRoutes, counters, faults, tokens, windows, awake } = deps;
  const records: RequestRecord[] = [];

  const authorized = (request: IncomingMessage): App => {
    const [, token] = /^Bearer (.+)$/.exec(request.headers.authorization ?? '') ?? [];
    if (token === undefined) throw refusal('noToken');
    return tokens.appOf(token) ?? fail();
  };
  const demandRate = (app: App, route: string): void => {
    const { perSecond, perMinute } = settings.limits;
    const wait =
      windows.take(`${app.id} ${route} second`, perSecond) ??
      windows.take(`${app.id} ${route} minute`, perMinute, 60_000);
    if (wait !== undefined) throw tooManyRequests(wait / 1000, perSecond);
  };
  const answer = async (request: IncomingMessage, url: URL, progress: Progress): Promise<Outcome> => {
    const { fields, parts } = await readBody(request);
    progress.body = fields;
    progress.files = Object.fromEntries([...parts].map(([name, { data }]) => [name, data.length]));
    const enter = async (route: string): Promise<void> => {
      progress.route = route;
      count(counters.requests, route);
      await suffer(faults.take(route, 'before'));
    };
    const open = openRoutes.find(({ path }) => path === url.pathname && request.method === 'POST');
    if (open) {
      await enter(open.name);
      const body = open.handle(fields);
      await suffer(faults.take(open.name, 'after'));
      return { status: 200, body };
    }
    const path = url.pathname.replace(/^\/open-apis/, '');
    const { route, params } = findRoute(routes, request.method ?? 'GET', path);
    await enter(route.name);
    const app = authorized(request);
    progress.app = app;
    demandScope(app, route);
    demandRate(app, route.name);
    const done = route.handle({ app, params, query: url.searchParams, fields, parts });
    await suffer(faults.take(route.name, 'after'));
    return outcomeOf(done);
  };
  const survive = async (request: IncomingMessage, url: URL, progress: Progress): Promise<Outcome | Silence> => {
    try {
      return await answer(request, url, progress);
    } catch (error) {
      if (error instanceof Silence) return error;
      if (error instanceof GatewayError) return { status: error.status };
      if (!(error instanceof ApiError)) throw error;
      return { status: error.status, body: bodyOfError(error), headers: error.headers };
    }
  };
  const note = (
    request: IncomingMessage,
    url: URL,
    { progress, outcome }: { progress: Progress; outcome: Outcome },
  ) => {
    const { route, app, body, files } = progress;
    const code = 'body' in outcome && 'code' in outcome.body ? Number(outcome.body.code) : 0;
    if (code !== 0) count(counters.refusals, code);
    if (outcome.status === 429 || tooOftenCodes.includes(code)) count(counters.rateLimited, route);
    const path = `${url.pathname}${url.search}`;
    const method = request.method ?? 'GET';
    records.push({ at: Date.now(), method, path, route, appId: app?.id, body, files, status: outcome.status, code });
    if (records.length > keptRecords) records.shift();
  };
  return {
    records: () => records,
    async serve(request, response) {
      await awake();
      const url = new URL(request.url ?? '/', 'http://stand-in');
      const progress: Progress = { route: 'unknown', app: undefined, body: {}, files: {} };
      const outcome = await survive(request, url, progress);
      await awake();
      if (outcome instanceof Silence) {
        note(request, url, { progress, outcome: { status: 0 } });
        if (outcome.cuts) request.socket.destroy();
        return;
      }
      note(request, url, { progress, outcome });
      send(response, outcome);
    },
  };
}

function fail(): never {
  throw refusal('badToken');
}

function demandScope(app: App, { scopes }: Route): void {
  if (scopes.length === 0 || scopes.some((scope) => app.scopes.has(scope))) return;
  const { status, code, message } = refusal('noScope');
  throw new ApiError(status, code, `${message}: [${scopes.join(', ')}].`);
}

function outcomeOf(answer: ApiAnswer): Outcome {
  if ('file' in answer) return { status: 200, ...answer };
  if ('body' in answer) return { status: 200, body: answer.body };
  return { status: 200, body: { code: 0, msg: 'success', data: answer.data } };
}

function send(response: ServerResponse, outcome: Outcome): void {
  const log = { 'x-tt-logid': newLogId() };
  if ('file' in outcome) {
    const name = encodeURIComponent(outcome.name);
    const headers = { 'content-type': outcome.type, 'content-disposition': `attachment; filename="${name}"` };
    response.writeHead(200, { ...log, ...headers });
    response.end(outcome.file);
  } else if ('body' in outcome) {
    const type = { 'content-type': 'application/json; charset=utf-8' };
    response.writeHead(outcome.status, { ...log, ...type, ...outcome.headers });
    response.end(JSON.stringify(outcome.body));
  } else {
    response.writeHead(outcome.status, { 'content-type': 'text/html' });
    response.end(`<html><body><h1>${outcome.status}</h1></body></html>`);
  }
}
