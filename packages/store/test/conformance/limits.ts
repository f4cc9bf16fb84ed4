import { newId } from '@moltbot/shared';
import { eventually } from '@moltbot/testkit';
import { describe, expect, it } from 'vitest';
import { first } from '../fixtures.ts';
import type { Suite } from './suite.ts';

/** Rates, leases by name, API keys. */
export function limitsConformance(suite: Suite): void {
  describe('limits, leases and keys', () => {
    it('lets a burst through, and then what the rate allows', async () => {
      const request = { tenant: 'acme', bucket: newId(), perSecond: 0.5, burst: 3 };
      const decisions = [];
      for (let n = 0; n < 4; n++) decisions.push(await suite.store().takeToken(request));
      expect(decisions.map(({ allowed }) => allowed)).toEqual([true, true, true, false]);
      expect(decisions.map(({ remaining }) => remaining)).toEqual([2, 1, 0, 0]);
      expect(first(decisions)).toMatchObject({ retryAfterMs: 0, resetMs: 2_000 });
      const refused = decisions[3];
      expect(refused?.retryAfterMs).toBeGreaterThan(0);
      expect(refused?.retryAfterMs).toBeLessThanOrEqual(2_000);
      expect(refused?.resetMs).toBeLessThanOrEqual(6_000);
      expect(await suite.store().takeToken({ ...request, tenant: 'globex' })).toMatchObject({ allowed: true });
    });

    it('takes tokens along while there are plenty, and counts them', async () => {
      const request = { tenant: 'acme', bucket: newId(), perSecond: 0.01, burst: 100 };
      const take = (ahead: number) => suite.store().takeToken({ ...request, ahead });
      expect(await take(16)).toMatchObject({ allowed: true, ahead: 12, remaining: 87, resetMs: 1_300_000 });
      expect(await take(5)).toMatchObject({ ahead: 5, remaining: 81 });
      expect(await take(0)).toMatchObject({ ahead: 0, remaining: 80 });
      expect(await suite.store().takeToken(request)).toMatchObject({ ahead: 0, remaining: 79 });
      for (let remaining = 79; remaining > 7; ) ({ remaining } = await take(16));
      for (const remaining of [6, 5, 4, 3, 2, 1, 0])
        expect(await take(16)).toMatchObject({ allowed: true, ahead: 0, remaining });
      expect(await take(16)).toMatchObject({ allowed: false, ahead: 0, remaining: 0 });
    });

    it('gives no more than the burst and the rate to many who take along', async () => {
      const request = { tenant: 'acme', bucket: newId(), perSecond: 50, burst: 60 };
      const untilRefused = async (ahead: number, refusals: number): Promise<number> => {
        const { allowed, ahead: along } = await suite.store().takeToken({ ...request, ahead });
        if (allowed) return 1 + along + (await untilRefused(ahead, refusals));
        return refusals > 1 ? untilRefused(ahead, refusals - 1) : 0;
      };
      const began = performance.now();
      const taken = await Promise.all([16, 16, 7, 0].map((ahead) => untilRefused(ahead, 10)));
      const seconds = (performance.now() - began) / 1_000;
      const sum = taken.reduce((total, each) => total + each, 0);
      expect(sum).toBeGreaterThanOrEqual(request.burst);
      expect(sum).toBeLessThanOrEqual(request.burst + Math.ceil(request.perSecond * seconds));
    });

    it('refills', async () => {
      const request = { tenant: 'acme', bucket: newId(), perSecond: 20, burst: 1 };
      expect(await suite.store().takeToken(request)).toMatchObject({ allowed: true });
      await eventually('a token comes back', async () => (await suite.store().takeToken(request)).allowed);
    });

    it('lets one lead, and counts the changes of hands', async () => {
      const name = newId();
      const acquire = (owner: string, leaseMs = 5_000) => suite.store().acquireLease(name, owner, leaseMs);
      const { held, epoch, remainingMs } = await acquire('a');
      expect([held, remainingMs]).toEqual([true, 5_000]);
      const refused = await acquire('b');
      expect(refused).toMatchObject({ held: false, epoch });
      expect(refused.remainingMs).toBeGreaterThan(0);
      expect(await acquire('a')).toMatchObject({ held: true, epoch });
      await suite.store().releaseLease(name, 'b');
      expect(await acquire('b')).toMatchObject({ held: false });
      await suite.store().releaseLease(name, 'a');
      const second = await acquire('b', 50);
      expect(second.held).toBe(true);
      expect(second.epoch).toBeGreaterThan(epoch);
      const third = await eventually('the lease ends', async () => {
        const lease = await acquire('a');
        return lease.held ? lease : undefined;
      });
      expect(third.epoch).toBeGreaterThan(second.epoch);
    });

    it('keeps API keys of each tenant', async () => {
      const key = { tenant: `t-${Date.now()}`, id: 'k1', hash: 'sha256:ab', createdAt: 1 };
      expect(await suite.store().putApiKey(key)).toBe('stored');
      expect(await suite.store().putApiKey({ ...key, hash: 'sha256:cd' })).toBe('exists');
      expect(await suite.store().getApiKey(key.tenant, 'k1')).toEqual(key);
      expect(await suite.store().getApiKey('acme', 'k1')).toBeUndefined();
      expect(await suite.store().getApiKey(key.tenant, 'k2')).toBeUndefined();
      expect(await suite.store().countApiKeys(key.tenant)).toBe(1);
      expect(await suite.store().countApiKeys('nobody')).toBe(0);
    });
  });
}
