import { expiredError, lookAgainMs, lostError } from '../expiry.ts';
import type { Store } from '../port.ts';
import type { RedisClient } from './client.ts';
import { keys } from './keys.ts';
import { expiryScripts } from './lua/expiry-scripts.ts';
import { eventMore } from './run-record.ts';
import { taskHeader, wholeTaskKeys } from './script-keys.ts';

/** One script a task: Redis does nothing else meanwhile. */
export function createExpiryCalls(client: RedisClient): Pick<Store, 'expireQueued'> {
  const errors = [
    ...[JSON.stringify(expiredError), eventMore({ state: 'expired', error: expiredError })],
    ...[JSON.stringify(lostError), eventMore({ state: 'unknown', error: lostError })],
  ];
  return {
    async expireQueued(tenant, limit) {
      const taskIds = (await client.run(expiryScripts.due, [keys.expiring(tenant)], [limit])) as string[];
      for (const taskId of taskIds) {
        const args = [...taskHeader(tenant, taskId), keys.runPrefix(tenant), lookAgainMs, ...errors];
        await client.run(expiryScripts.expireTask, wholeTaskKeys(tenant, taskId), args);
      }
      return taskIds.length;
    },
  };
}
