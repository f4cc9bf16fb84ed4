export { type GcraResult, gcra, type Rate } from './gcra.ts';
export type * from './notifications-port.ts';
export type * from './port.ts';
export { createRedisStore, type RedisStoreOptions } from './redis/redis-store.ts';
export type { Retention } from './retention.ts';
export type * from './schedules-port.ts';
export { createSqliteStore, type SqliteStore, type SqliteStoreOptions } from './sqlite/sqlite-store.ts';
