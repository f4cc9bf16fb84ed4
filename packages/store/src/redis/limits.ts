import { tokenUs } from '../gcra.ts';
import type { LeaseOutcome, RateRequest, Store, StoredApiKey, TokensTaken } from '../port.ts';
import type { RedisClient } from './client.ts';
import { keys } from './keys.ts';
import { limitScripts } from './lua/limit-scripts.ts';

type LimitCalls = Pick<
  Store,
  'takeToken' | 'acquireLease' | 'releaseLease' | 'putApiKey' | 'getApiKey' | 'countApiKeys'
>;

export function createLimitCalls(client: RedisClient): LimitCalls {
  return {
    takeToken: (request) => take(client, request),
    async acquireLease(name, owner, leaseMs): Promise<LeaseOutcome> {
      const reply = await client.run(limitScripts.acquireLease, [keys.lease(name)], [owner, leaseMs]);
      const [held, epoch, remainingMs] = reply as [number, number, number];
      return { held: held === 1, epoch, remainingMs };
    },
    releaseLease: async (name, owner) =>
      void (await client.run(limitScripts.releaseLease, [keys.lease(name)], [owner])),
    async putApiKey(key) {
      const added = await client.command('HSETNX', keys.apiKeys(key.tenant), key.id, JSON.stringify(key));
      return added === 1 ? 'stored' : 'exists';
    },
    async getApiKey(tenant, id): Promise<StoredApiKey | undefined> {
      const json = await client.command('HGET', keys.apiKeys(tenant), id);
      return typeof json === 'string' ? JSON.parse(json) : undefined;
    },
    countApiKeys: async (tenant) => Number(await client.command('HLEN', keys.apiKeys(tenant))),
  };
}

async function take(client: RedisClient, request: RateRequest): Promise<TokensTaken> {
  const { tenant, bucket, perSecond, burst, ahead: most = 0 } = request;
  const args = [tokenUs(perSecond), burst, most];
  const reply = await client.run(limitScripts.takeToken, [keys.bucket(tenant, bucket)], args);
  const [allowed, remaining, retryAfterMs, resetMs, ahead] = reply as [number, number, number, number, number];
  return { allowed: allowed === 1, remaining, retryAfterMs, resetMs, ahead };
}
