import { Secret, silentLogger } from '@moltbot/shared';
import { startRedis, type TestRedis } from '@moltbot/testkit';
import { afterAll, beforeAll } from 'vitest';
import { createRedisStore } from '../src/index.ts';
import { storeConformance } from './conformance.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

storeConformance('the Redis store', (retention) =>
  createRedisStore({ url: new Secret(redis.url), retention, log: silentLogger }),
);
