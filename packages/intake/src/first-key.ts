import { newApiKey, newId, type TenantConfig } from '@moltbot/shared';
import type { Store } from '@moltbot/store';

/**
 * Makes the first API key of a tenant that has none, in the configuration or in the store.
 * Resolves to the key's text, which `keep` alone has, or to undefined when there is one already.
 */
export async function createFirstKey(
  tenant: string,
  deps: {
    readonly tenants: Readonly<Record<string, TenantConfig>>;
    readonly store: Store;
    readonly now: () => number;
    /** Awaited before the key is recorded: whoever dies in between leaves a text without a key, not a key without its text. */
    readonly keep: (text: string) => Promise<void>;
  },
): Promise<string | undefined> {
  const configured = deps.tenants[tenant];
  if (!configured || configured.apiKeys.length > 0) return undefined;
  const { store, now, keep } = deps;
  const lease = `first-key:${tenant}`;
  const owner = newId();
  // Doors that start together must not each make one.
  if (!(await store.acquireLease(lease, owner, 10_000)).held) return undefined;
  try {
    if ((await store.countApiKeys(tenant)) > 0) return undefined;
    const { text, id, hash } = newApiKey(tenant);
    await keep(text);
    await store.putApiKey({ tenant, id, hash, createdAt: now() });
    return text;
  } finally {
    await store.releaseLease(lease, owner);
  }
}
