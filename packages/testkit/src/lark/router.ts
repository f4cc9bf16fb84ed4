import { refusal } from './api-error.ts';
import type { Fields } from './fields.ts';
import type { App } from './model.ts';
import type { UploadedPart } from './multipart.ts';

export interface ApiRequest<Name extends string = string> {
  /** Whose token it came with. */
  readonly app: App;
  readonly params: Readonly<Record<Name, string>>;
  readonly query: URLSearchParams;
  /** The JSON, or the texts of a form. */
  readonly fields: Fields;
  /** The files of a form, by field. */
  readonly parts: ReadonlyMap<string, UploadedPart>;
}

/** What goes into `data`; or a whole body; or bytes. */
export type ApiAnswer =
  | { readonly data: object }
  | { readonly body: object }
  | { readonly file: Buffer; readonly name: string; readonly type: string };

export interface Route {
  readonly method: string;
  /** `POST /im/v1/messages`: how limits, faults and counters call it. */
  readonly name: string;
  /** One of them is asked for; none of an empty list. */
  readonly scopes: readonly string[];
  readonly pattern: RegExp;
  handle(request: ApiRequest): ApiAnswer;
}

type NamesIn<Template extends string> = Template extends `${string}:${infer Name}/${infer Rest}`
  ? Name | NamesIn<`/${Rest}`>
  : Template extends `${string}:${infer Name}`
    ? Name
    : never;

/** A route of the API below `/open-apis`. `:name` in the template is one step of the path. */
export function route<Template extends string>(
  method: string,
  template: Template,
  { scopes, handle }: { scopes: readonly string[]; handle: (request: ApiRequest<NamesIn<Template>>) => ApiAnswer },
): Route {
  return {
    method,
    name: `${method} ${template}`,
    scopes,
    pattern: new RegExp(`^${template.replace(/:(\w+)/g, '(?<$1>[^/]+)')}$`),
    handle: (request) => handle(request as ApiRequest<NamesIn<Template>>),
  };
}

export interface FoundRoute {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

/** @throws ApiError 404 */
export function findRoute(routes: readonly Route[], method: string, path: string): FoundRoute {
  for (const candidate of routes) {
    const match = candidate.method === method ? candidate.pattern.exec(path) : null;
    if (!match) continue;
    const params = Object.entries(match.groups ?? {}).map(
      ([name, value]) => [name, decodeURIComponent(value)] as const,
    );
    return { route: candidate, params: Object.fromEntries(params) };
  }
  throw refusal('notFound');
}
