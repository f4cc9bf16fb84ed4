import { Secret, silentLogger } from '@moltbot/shared';
import { startRedis, type TestRedis } from '@moltbot/testkit';
import { array, assert, asyncProperty, integer, nat, property, record } from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gcra, tokenUs } from '../src/gcra.ts';
import { createRedisClient, type RedisClient } from '../src/redis/client.ts';
import { script } from '../src/redis/lua/common.ts';
import { gcraLua } from '../src/redis/lua/limit-scripts.ts';

const startUs = 1_790_000_000_000_000;
const rates = { perSecond: integer({ min: 1, max: 5_000 }), burst: integer({ min: 1, max: 20 }) };
/** In tokens and microseconds: the decisions that differ are those at the very edge. */
const pause = record({ halfTokens: nat(6), us: integer({ min: 0, max: 2 }) });
const pauses = array(pause, { minLength: 1, maxLength: 40 });
const lengthUs = ({ halfTokens, us }: { halfTokens: number; us: number }, token: number): number =>
  Math.max(0, Math.floor((halfTokens * token) / 2) + us - 1);

describe('gcra', () => {
  it('lets no more through than the burst and the rate, and never less than the rate', async () => {
    await assert(
      property(rates.perSecond, rates.burst, pauses, (perSecond, burst, given) => {
        let now = startUs;
        let fullAt = 0;
        let allowed = 0;
        for (const each of given) {
          now += lengthUs(each, tokenUs(perSecond));
          const { decision, fullAtUs } = gcra(fullAt, now, { perSecond, burst });
          if (decision.allowed) allowed += 1;
          else
            expect(gcra(fullAt, now + decision.retryAfterMs * 1_000, { perSecond, burst }).decision.allowed).toBe(true);
          expect(decision.remaining).toBeLessThan(burst);
          expect(decision.retryAfterMs > 0).toBe(!decision.allowed);
          fullAt = fullAtUs;
        }
        const most = burst + Math.floor((now - startUs) / tokenUs(perSecond)) + 1;
        expect(allowed).toBeLessThanOrEqual(most);
        expect(allowed).toBeGreaterThanOrEqual(Math.min(given.length, burst));
      }),
    );
  });

  describe('in Lua', () => {
    let redis: TestRedis;
    let client: RedisClient;
    beforeAll(async () => {
      redis = await startRedis();
      const ignore = (): void => {};
      const url = new Secret(redis.url);
      client = createRedisClient({ url, log: silentLogger, onReady: ignore, onMessage: ignore, onListening: ignore });
      await client.start();
    });
    afterAll(async () => {
      await client.stop();
      await redis.stop();
    });

    const lua = script(`${gcraLua}
      local decision, full_at = gcra(tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]))
      return { decision[1], decision[2], decision[3], decision[4], string.format('%.0f', full_at) }`);

    it('decides the same', async () => {
      await assert(
        asyncProperty(rates.perSecond, rates.burst, pauses, async (perSecond, burst, given) => {
          let now = startUs;
          let fullAt = 0;
          for (const each of given) {
            now += lengthUs(each, tokenUs(perSecond));
            const reply = await client.run(lua, [], [fullAt, now, tokenUs(perSecond), burst]);
            const { decision, fullAtUs } = gcra(fullAt, now, { perSecond, burst });
            const { allowed, remaining, retryAfterMs, resetMs } = decision;
            expect(reply).toEqual([allowed ? 1 : 0, remaining, retryAfterMs, resetMs, String(fullAtUs)]);
            fullAt = fullAtUs;
          }
        }),
        { numRuns: 50 },
      );
    });
  });
});
