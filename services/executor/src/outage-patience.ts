import { backoffMs, type Clock, type ErrorCode, hasCode } from '@moltbot/shared';

/** Repeats a call for as long as it fails with a code; its other errors pass. Aborting rejects with the signal's reason. */
const repeatWhile =
  (code: ErrorCode) =>
  async <T>(call: () => Promise<T>, clock: Clock, signal?: AbortSignal): Promise<T> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await call();
      } catch (error) {
        if (!hasCode(error, code)) throw error;
        await clock.sleep(backoffMs(attempt, { maxMs: 2_000 }), signal);
      }
    }
  };

type Repeat = <T>(call: () => Promise<T>, clock: Clock, signal?: AbortSignal) => Promise<T>;

export const whileStoreIsDown: Repeat = repeatWhile('MOLT_STORE_DOWN');
export const whileBusIsDown: Repeat = repeatWhile('MOLT_BUS_DOWN');
