import { type KnownError, refusal } from './api-error.ts';
import type { Connections } from './connections.ts';
import type { Counters } from './counters.ts';
import { type Fields, textOf } from './fields.ts';
import type { App } from './model.ts';
import type { Tokens } from './tokens.ts';
import type { World } from './world.ts';

/** A route that asks for no token, because it is where one comes from. */
export interface OpenRoute {
  /** The whole path. */
  readonly path: string;
  readonly name: string;
  handle(fields: Fields): object;
}

interface Deps {
  readonly world: World;
  readonly tokens: Tokens;
  readonly connections: Connections;
  readonly counters: Counters;
}

/** https://open.feishu.cn/document/ukTMukTMukTM/ukDNz4SO0MjL5QzM/auth-v3/auth/tenant_access_token_internal; errors have the status 200. */
export function createOpenRoutes({ world, tokens, connections, counters }: Deps): readonly OpenRoute[] {
  const token = (fields: Fields, body: (token: string) => object): object => {
    counters.tokens += 1;
    const app = world.apps.find(({ id }) => id === textOf(fields['app_id']));
    const problem = problemOf(app, fields['app_secret']);
    if (!app || problem) {
      const { code, message } = refusal(problem ?? 'invalidParam');
      return { code, msg: message };
    }
    const issued = tokens.issue(app);
    return { code: 0, msg: 'ok', ...body(issued.token), expire: issued.expiresInSeconds };
  };
  return [
    {
      path: '/open-apis/auth/v3/tenant_access_token/internal',
      name: 'POST /auth/v3/tenant_access_token/internal',
      handle: (fields) => token(fields, (tenant_access_token) => ({ tenant_access_token })),
    },
    {
      path: '/open-apis/auth/v3/app_access_token/internal',
      name: 'POST /auth/v3/app_access_token/internal',
      // For a self-built app both are the same.
      handle: (fields) => token(fields, (own) => ({ app_access_token: own, tenant_access_token: own })),
    },
    {
      path: '/callback/ws/endpoint',
      name: 'POST /callback/ws/endpoint',
      handle: (fields) => connections.endpoint(fields),
    },
  ];
}

function problemOf(app: App | undefined, secret: unknown): KnownError | undefined {
  if (!app) return 'invalidParam';
  return app.secret === secret ? undefined : 'wrongSecret';
}
