import type { RedisClient } from './client.ts';
import { keys } from './keys.ts';

/** Which tenants there are, for the work that is done for each. */
export interface Tenants {
  /** Makes sure that the tenant is known, before its first record is written. */
  add(tenant: string): Promise<void>;
  all(): Promise<readonly string[]>;
  /** Redis may have forgotten: ask it again about each. */
  recheck(): void;
}

/** Asks Redis once a tenant. */
export function createTenants(client: Pick<RedisClient, 'command'>): Tenants {
  const known = new Set<string>();
  return {
    async add(tenant) {
      if (known.has(tenant)) return;
      await client.command('SADD', keys.tenants, tenant);
      known.add(tenant);
    },
    all: async () => (await client.command('SMEMBERS', keys.tenants)) as string[],
    recheck: () => known.clear(),
  };
}
