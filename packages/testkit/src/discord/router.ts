import { refusal } from './api-error.ts';
import type { UploadedFile } from './files.ts';
import type { Fields } from './form.ts';

export interface ApiRequest<Name extends string = string> {
  readonly params: Readonly<Record<Name, string>>;
  readonly query: URLSearchParams;
  /** What was sent as JSON or `payload_json`; an empty record without a body. */
  readonly body: unknown;
  /** The body as a record; an empty one if it is none. */
  readonly fields: Fields;
  readonly files: readonly UploadedFile[];
}

/** Without a body the status is 204. */
export interface ApiAnswer {
  readonly status?: number;
  readonly body?: unknown;
}

export interface Route {
  readonly method: string;
  readonly template: string;
  /** `POST /channels/:channel/messages`: how limits, faults and counters call it. */
  readonly name: string;
  /** Interactions and their webhooks are known by their token, and are outside of the global limit. */
  readonly byToken: boolean;
  readonly pattern: RegExp;
  handle(request: ApiRequest): ApiAnswer | Promise<ApiAnswer>;
}

type NamesIn<Template extends string> = Template extends `${string}:${infer Name}/${infer Rest}`
  ? Name | NamesIn<`/${Rest}`>
  : Template extends `${string}:${infer Name}`
    ? Name
    : never;

/** A route of the API below `/api/v10`. `:name` in the template is one step of the path. */
export function route<Template extends string>(
  method: string,
  template: Template,
  handle: (request: ApiRequest<NamesIn<Template>>) => ApiAnswer | Promise<ApiAnswer>,
): Route {
  return {
    method,
    template,
    name: `${method} ${template}`,
    byToken: /^\/(interactions|webhooks)\//.test(template),
    pattern: new RegExp(`^${template.replace(/:(\w+)/g, '(?<$1>[^/]+)')}$`),
    handle: (request) => handle(request as ApiRequest<NamesIn<Template>>),
  };
}

export interface FoundRoute {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
  /** Channel, guild or webhook of the path: buckets are kept for each. */
  readonly resource: string;
}

/** @throws ApiError 404 */
export function findRoute(routes: readonly Route[], method: string, given: string): FoundRoute {
  // The SDK sends `@me` and `@original` in both ways.
  const path = given.replaceAll('%40', '@');
  for (const candidate of routes) {
    const match = candidate.method === method ? candidate.pattern.exec(path) : null;
    if (!match) continue;
    const params = Object.fromEntries(
      Object.entries(match.groups ?? {}).map(([name, value]) => [name, decodeURIComponent(value)]),
    );
    const [, resource = ''] = /^\/(?:channels|guilds)\/(\d+)|^\/webhooks\/(.+?)(?=\/messages|$)/.exec(path) ?? [];
    const webhook = /^\/webhooks\/\d+\/[^/]+/.exec(path)?.[0];
    return { route: candidate, params, resource: webhook ?? resource };
  }
  throw refusal('notFound');
}
