import { hasCode, type LimitsConfig, type Principal } from '@moltbot/shared';
import { gcra, type RateDecision, type Store } from '@moltbot/store';

/** With the store down each process decides alone: at this part of the rate, so that several gateways stay near it together. */
const shareWhenAlone = 0.25;
const bucketsAtMost = 10_000;

/** Takes one request from the rate of a principal. */
export function createAdmission(deps: {
  readonly requests: LimitsConfig['requests'];
  readonly store: Pick<Store, 'takeToken'>;
  readonly monotonic: () => number;
}): (principal: Principal) => Promise<RateDecision> {
  const { perSecond, burst } = deps.requests;
  const alone = new Map<string, number>();

  const decideAlone = (bucket: string): RateDecision => {
    if (alone.size >= bucketsAtMost) alone.clear();
    const share = { perSecond: perSecond * shareWhenAlone, burst: Math.max(1, Math.floor(burst * shareWhenAlone)) };
    const { decision, fullAtUs } = gcra(alone.get(bucket) ?? 0, deps.monotonic() * 1_000, share);
    alone.set(bucket, fullAtUs);
    return decision;
  };

  return async ({ tenant, id }) => {
    try {
      return await deps.store.takeToken({ tenant, bucket: id, perSecond, burst });
    } catch (error) {
      if (!hasCode(error, 'MOLT_STORE_DOWN')) throw error;
      return decideAlone(`${tenant} ${id}`);
    }
  };
}
