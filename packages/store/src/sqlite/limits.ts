import { nextFence } from '../fence.ts';
import { gcra } from '../gcra.ts';
import type { LeaseOutcome, RateRequest, Store, StoredApiKey, TokensTaken } from '../port.ts';
import type { DoStep, Step } from './tables.ts';

type LimitCalls = Pick<
  Store,
  'takeToken' | 'acquireLease' | 'releaseLease' | 'putApiKey' | 'getApiKey' | 'countApiKeys'
>;

export function createLimitCalls(step: DoStep): LimitCalls {
  return {
    takeToken: (request) => step((at) => take(at, request)),
    acquireLease: (name, owner, leaseMs) => step((at) => acquire(at, { name, owner, leaseMs })),
    releaseLease: (name, owner) =>
      step(({ sql }) => void sql.run('UPDATE leases SET until = 0 WHERE name = ? AND owner = ?', name, owner)),
    putApiKey: ({ tenant, id, hash, createdAt }) =>
      step(({ sql }) => {
        const text = 'INSERT INTO api_keys (tenant, id, hash, created_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING';
        return sql.run(text, tenant, id, hash, createdAt).changes === 1 ? 'stored' : 'exists';
      }),
    getApiKey: (tenant, id) =>
      step(({ sql }) => {
        const text = 'SELECT tenant, id, hash, created_at AS createdAt FROM api_keys WHERE tenant = ? AND id = ?';
        const row = sql.get<StoredApiKey>(text, tenant, id);
        return row && { ...row };
      }),
    countApiKeys: (tenant) =>
      step(({ sql }) => sql.get<{ n: number }>('SELECT count(*) AS n FROM api_keys WHERE tenant = ?', tenant)?.n ?? 0),
  };
}

function take({ sql, now }: Step, { tenant, bucket, perSecond, burst, ahead: most }: RateRequest): TokensTaken {
  const text = 'SELECT full_at FROM buckets WHERE tenant = ? AND bucket = ?';
  const known = sql.get<{ full_at: number }>(text, tenant, bucket)?.full_at ?? 0;
  const { decision, fullAtUs, ahead } = gcra(known, now * 1_000, { perSecond, burst }, most);
  const upsert = 'INSERT OR REPLACE INTO buckets (tenant, bucket, full_at) VALUES (?, ?, ?)';
  if (decision.allowed) sql.run(upsert, tenant, bucket, fullAtUs);
  return { ...decision, ahead };
}

function acquire(
  { sql, now }: Step,
  { name, owner, leaseMs }: { name: string; owner: string; leaseMs: number },
): LeaseOutcome {
  const text = 'SELECT owner, until, epoch FROM leases WHERE name = ?';
  const known = sql.get<{ owner: string; until: number; epoch: number }>(text, name);
  const inForce = known !== undefined && known.until > now;
  if (inForce && known.owner !== owner) return { held: false, epoch: known.epoch, remainingMs: known.until - now };
  const epoch = inForce ? known.epoch : nextFence(known?.epoch ?? 0, now);
  const upsert = 'INSERT OR REPLACE INTO leases (name, owner, until, epoch) VALUES (?, ?, ?, ?)';
  sql.run(upsert, name, owner, now + leaseMs, epoch);
  return { held: true, epoch, remainingMs: leaseMs };
}
