import { newApiKey, type TenantConfig } from '@moltbot/shared';
import type { Store } from '@moltbot/store';

export interface FirstKeyDeps {
  readonly tenants: Readonly<Record<string, TenantConfig>>;
  readonly store: Store;
  readonly now: () => number;
  /** Names who makes it: the same again after an answer of the store was lost. */
  readonly owner: string;
  /** Awaited before the key is recorded: whoever dies in between leaves a text without a key, not a key without its text. */
  readonly keep: (text: string) => Promise<void>;
}

/**
 * - `made`: with the key's text, which `keep` alone has.
 * - `there`: the tenant has a key in the store.
 * - `unwanted`: its keys are configured, or it is not configured itself.
 * - `busy`: another door makes one, or died as it did: look again after so long.
 */
export type FirstKeyOutcome =
  | { readonly kind: 'made'; readonly text: string }
  | { readonly kind: 'there' | 'unwanted' }
  | { readonly kind: 'busy'; readonly retryAfterMs: number };

/** How long a door that died keeps the others waiting, ms. */
const leaseMs = 10_000;

/** Makes the first API key of a tenant that has none, in the configuration or in the store. */
export async function createFirstKey(tenant: string, deps: FirstKeyDeps): Promise<FirstKeyOutcome> {
  const { tenants, store, now, owner, keep } = deps;
  const configured = tenants[tenant];
  if (!configured || configured.apiKeys.length > 0) return { kind: 'unwanted' };
  if ((await store.countApiKeys(tenant)) > 0) return { kind: 'there' };
  const lease = `first-key:${tenant}`;
  // Doors that start together must not each make one.
  const { held, remainingMs } = await store.acquireLease(lease, owner, leaseMs);
  if (!held) return { kind: 'busy', retryAfterMs: remainingMs };
  try {
    if ((await store.countApiKeys(tenant)) > 0) return { kind: 'there' };
    const { text, id, hash } = newApiKey(tenant);
    await keep(text);
    await store.putApiKey({ tenant, id, hash, createdAt: now() });
    return { kind: 'made', text };
  } finally {
    await store.releaseLease(lease, owner);
  }
}
