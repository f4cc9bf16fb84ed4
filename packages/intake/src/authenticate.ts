import { hashApiKey, MoltError, matchesHash, type Principal, parseApiKey, type TenantConfig } from '@moltbot/shared';
import type { Store } from '@moltbot/store';

export interface AuthenticatorDeps {
  readonly tenants: Readonly<Record<string, TenantConfig>>;
  readonly store: Pick<Store, 'getApiKey'>;
  /** Monotonic milliseconds. */
  readonly monotonic: () => number;
}

/** How long a stored key is believed without asking the store again: a revoked key works this long at most. */
const rememberMs = 5_000;
const rememberAtMost = 10_000;

/** Maps an Authorization header to a principal. @throws MOLT_KEY_MISSING, MOLT_KEY_WRONG, MOLT_STORE_DOWN */
export function createAuthenticator(
  deps: AuthenticatorDeps,
): (authorization: string | undefined) => Promise<Principal> {
  const remembered = new Map<string, { readonly hash: string | undefined; readonly until: number }>();

  const storedHash = async (tenant: string, id: string): Promise<string | undefined> => {
    const name = `${tenant}_${id}`;
    const known = remembered.get(name);
    if (known && known.until > deps.monotonic()) return known.hash;
    const hash = (await deps.store.getApiKey(tenant, id))?.hash;
    if (remembered.size >= rememberAtMost) remembered.clear();
    remembered.set(name, { hash, until: deps.monotonic() + rememberMs });
    return hash;
  };

  return async (authorization) => {
    const text = /^Bearer\s+(\S+)$/i.exec(authorization ?? '')?.[1];
    if (text === undefined) throw new MoltError('MOLT_KEY_MISSING', 'the request has no API key');
    const key = parseApiKey(text);
    if (!key || deps.tenants[key.tenant] === undefined) throw wrongKey();
    const configured = deps.tenants[key.tenant]?.apiKeys.find(({ id }) => id === key.id)?.hash;
    const hash = configured ?? (await storedHash(key.tenant, key.id));
    // A key of an unknown id costs the same comparison as a wrong one.
    if (!matchesHash(text, hash ?? hashApiKey('no such key')) || hash === undefined) throw wrongKey();
    return { tenant: key.tenant, id: `key:${key.id}` };
  };
}

const wrongKey = (): MoltError => new MoltError('MOLT_KEY_WRONG', 'the API key is not known');
