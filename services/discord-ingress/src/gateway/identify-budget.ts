import type { Clock } from '@moltbot/shared';
import type { RecordName, Store } from '@moltbot/store';

/** Discord allows 1,000 a day and takes the token away from who needs more. */
export const identifiesPerDay = 200;
const dayMs = 86_400_000;

export interface IdentifyBudget {
  /** Counts one that is about to be sent. @returns how long to wait instead, ms; 0 when it may be sent */
  take(): Promise<number>;
}

/** New sessions of all instances in any 24 hours, counted in the store before they are begun. */
export function createIdentifyBudget(deps: {
  readonly store: Pick<Store, 'getRecord' | 'putRecord'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly name: RecordName;
  /** Between two of them, at least. */
  readonly spacingMs: number;
}): IdentifyBudget {
  const { store, clock, name, spacingMs } = deps;
  const take = async (): Promise<number> => {
    const record = await store.getRecord(name);
    const now = clock.now();
    const times = timesIn(record?.value).filter((at) => at > now - dayMs && at <= now);
    const [oldest, newest] = [times.at(-identifiesPerDay), times.at(-1)];
    if (oldest !== undefined) return oldest + dayMs - now;
    if (newest !== undefined && newest + spacingMs > now) return newest + spacingMs - now;
    const value = JSON.stringify([...times, now]);
    const version = await store.putRecord(name, value, { version: record?.version ?? 0, keepMs: dayMs });
    return version === undefined ? take() : 0;
  };
  return { take };
}

function timesIn(value: string | undefined): number[] {
  try {
    const parsed: unknown = JSON.parse(value ?? '[]');
    return Array.isArray(parsed) ? parsed.filter((at) => typeof at === 'number') : [];
  } catch {
    return [];
  }
}
