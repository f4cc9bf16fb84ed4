import { newAccessToken } from './ids.ts';
import type { App } from './model.ts';

/** Access tokens of apps. */
export interface Tokens {
  /** The one in force while a quarter of its life is left; else a new one, and the old one lasts on. */
  issue(app: App): { readonly token: string; readonly expiresInSeconds: number };
  /** @returns the app of a token that is in force */
  appOf(token: string): App | undefined;
  /** Ends all tokens; of one app, when one is given. */
  revoke(app?: App): void;
}

interface Issued {
  readonly app: App;
  readonly until: number;
}

/** Half an hour of two hours. */
const keptPart = 1 / 4;

/** https://open.feishu.cn/document/ukTMukTMukTM/ukDNz4SO0MjL5QzM/auth-v3/auth/tenant_access_token_internal */
export function createTokens(lifeMs: number): Tokens {
  const issued = new Map<string, Issued>();
  return {
    issue(app) {
      const now = Date.now();
      const kept = [...issued].findLast(([, each]) => each.app === app && each.until - now >= lifeMs * keptPart);
      const token = kept?.[0] ?? newAccessToken();
      const until = kept?.[1].until ?? now + lifeMs;
      issued.set(token, { app, until });
      return { token, expiresInSeconds: Math.ceil((until - now) / 1000) };
    },
    appOf(token) {
      const found = issued.get(token);
      return found && found.until > Date.now() ? found.app : undefined;
    },
    revoke(app) {
      for (const [token, each] of issued) if (app === undefined || each.app === app) issued.delete(token);
    },
  };
}
