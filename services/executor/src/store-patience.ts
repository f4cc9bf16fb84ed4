import { backoffMs, type Clock, hasCode } from '@moltbot/shared';

/** Repeats a store call for as long as the store is down; its other errors pass. Aborting rejects with the signal's reason. */
export async function whileStoreIsDown<T>(call: () => Promise<T>, clock: Clock, signal?: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      if (!hasCode(error, 'MOLT_STORE_DOWN')) throw error;
      await clock.sleep(backoffMs(attempt, { maxMs: 2_000 }), signal);
    }
  }
}
