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
/** Tokens that may be taken along each time. */
const mosts = nat(20);
const bigBurst = integer({ min: 1, max: 200 });
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

  it('counts what it takes along, and takes along only while there are plenty', async () => {
    await assert(
      property(rates.perSecond, bigBurst, mosts, pauses, (perSecond, burst, most, given) => {
        let now = startUs;
        let fullAt = 0;
        for (const each of given) {
          now += lengthUs(each, tokenUs(perSecond));
          const plain = gcra(fullAt, now, { perSecond, burst });
          const { decision, ahead, fullAtUs } = gcra(fullAt, now, { perSecond, burst }, most);
          expect(decision.allowed).toBe(plain.decision.allowed);
          expect(ahead).toBe(Math.min(most, Math.floor(plain.decision.remaining / 8)));
          expect(decision.remaining).toBe(plain.decision.remaining - ahead);
          let oneByOne = plain;
          for (let n = 0; n < ahead; n++) oneByOne = gcra(oneByOne.fullAtUs, now, { perSecond, burst });
          expect({ decision, fullAtUs }).toEqual({ decision: oneByOne.decision, fullAtUs: oneByOne.fullAtUs });
          fullAt = fullAtUs;
        }
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
      local full_at, now, token, burst, most = unpack(ARGV)
      local decision, after = gcra(tonumber(full_at), tonumber(now), tonumber(token), tonumber(burst), tonumber(most))
      decision[6] = string.format('%.0f', after)
      return decision`);

    it('decides the same', async () => {
      await assert(
        asyncProperty(rates.perSecond, bigBurst, mosts, pauses, async (perSecond, burst, most, given) => {
          let now = startUs;
          let fullAt = 0;
          for (const each of given) {
            now += lengthUs(each, tokenUs(perSecond));
            const reply = await client.run(lua, [], [fullAt, now, tokenUs(perSecond), burst, most]);
            const { decision, ahead, fullAtUs } = gcra(fullAt, now, { perSecond, burst }, most);
            const { allowed, remaining, retryAfterMs, resetMs } = decision;
            expect(reply).toEqual([allowed ? 1 : 0, remaining, retryAfterMs, resetMs, ahead, String(fullAtUs)]);
            fullAt = fullAtUs;
          }
        }),
        { numRuns: 50 },
      );
    });
  });
});
