import { hasCode, type LimitsConfig, type Principal } from '@moltbot/shared';
import { gcra, type Rate, type RateDecision, type Store } from '@moltbot/store';

/** With the store down each process decides alone: at this part of the rate, so that several gateways stay near it together. */
const shareWhenAlone = 0.25;
const bucketsAtMost = 10_000;
/** Tokens taken along with one: as many requests after it need not ask the store. */
const aheadAtMost = 16;
/** A token taken ahead is spent in this time or forgotten. */
const heldMs = 1_000;
/** The part of the rate that a door may forget in a second, however many came in the second before. */
const forgottenAtMost = 0.25;

export interface AdmissionDeps {
  readonly requests: LimitsConfig['requests'];
  readonly store: Pick<Store, 'takeToken'>;
  readonly monotonic: () => number;
}

/** What a door took ahead of the tokens of one principal when it asked last, and spent of them before `until` (monotonic ms). */
interface Purse {
  taken: number;
  spent: number;
  until: number;
  /** What the store said last, of the bucket without what is held. */
  told: RateDecision;
  /** A request is under way that takes tokens along. */
  filling: boolean;
}

/**
 * Takes one request from the rate of a principal, most often with a token taken ahead and so without asking the store. Each
 * token is paid for before it is spent, by a second at most. So all doors together admit in any `w` seconds no more than
 * `burst + perSecond × w` and what they held at the beginning, and however many they are, `burst + perSecond × (w + 1)`.
 * Of requests that come evenly a door forgets no token, and of all that came no more than one for every two requests.
 * @returns what the store said last, at most a second ago, with the tokens held here counted as remaining
 */
export function createAdmission(deps: AdmissionDeps): (principal: Principal) => Promise<RateDecision> {
  const { store, monotonic, requests } = deps;
  const { perSecond, burst } = requests;
  const most = Math.min(aheadAtMost, Math.floor((perSecond * forgottenAtMost * heldMs) / 1_000));
  const decideAlone = createShare(deps);
  const purseOf = createPurses(burst);

  const leftIn = ({ taken, spent, until }: Purse): number => (monotonic() < until ? taken - spent : 0);
  /** As many as came in the second after it asked last, this request among them: of so many none would have been forgotten. */
  const wantedBy = ({ spent, until }: Purse): number => Math.min(most, monotonic() < until ? spent + 1 : spent);
  const spend = (purse: Purse): RateDecision | undefined => {
    const left = leftIn(purse);
    if (left === 0) return undefined;
    purse.spent += 1;
    return allow(purse.told, left - 1, requests);
  };

  const ask = async ({ tenant, id }: Principal, purse: Purse): Promise<RateDecision> => {
    // One at a time: what many requests took along at once would not all be spent in time.
    const fills = !purse.filling;
    // The store takes the tokens no earlier than this.
    const until = monotonic() + heldMs;
    purse.filling = true;
    try {
      const wanted = fills ? wantedBy(purse) : 0;
      const { ahead, ...told } = await store.takeToken({ tenant, bucket: id, ...requests, ahead: wanted });
      purse.told = told;
      if (fills) Object.assign(purse, { taken: ahead, spent: 0, until });
      if (told.allowed) return allow(told, leftIn(purse), requests);
      // The bucket may be empty because another request has just taken from it for this one.
      return spend(purse) ?? told;
    } finally {
      if (fills) purse.filling = false;
    }
  };

  return async (principal) => {
    const name = `${principal.tenant} ${principal.id}`;
    const purse = purseOf(name);
    try {
      return spend(purse) ?? (await ask(principal, purse));
    } catch (error) {
      if (!hasCode(error, 'MOLT_STORE_DOWN')) throw error;
      return decideAlone(name);
    }
  };
}

/** Of a bucket of which `held` tokens more are left than the store knows. */
function allow(told: RateDecision, held: number, { perSecond, burst }: Rate): RateDecision {
  const remaining = Math.min(burst - 1, told.remaining + held);
  const resetMs = Math.max(0, told.resetMs - Math.floor((held * 1_000) / perSecond));
  return { allowed: true, remaining, retryAfterMs: 0, resetMs };
}

/** Gives the purse of a principal by name, and forgets all of them when there are too many. */
function createPurses(burst: number): (name: string) => Purse {
  const purses = new Map<string, Purse>();
  const told: RateDecision = { allowed: true, remaining: burst, retryAfterMs: 0, resetMs: 0 };
  return (name) => {
    const known = purses.get(name);
    if (known) return known;
    if (purses.size >= bucketsAtMost) purses.clear();
    const purse: Purse = { taken: 0, spent: 0, until: 0, told, filling: false };
    purses.set(name, purse);
    return purse;
  };
}

function createShare({ requests, monotonic }: Omit<AdmissionDeps, 'store'>): (name: string) => RateDecision {
  const perSecond = requests.perSecond * shareWhenAlone;
  const share: Rate = { perSecond, burst: Math.max(1, Math.floor(requests.burst * shareWhenAlone)) };
  const alone = new Map<string, number>();
  return (name) => {
    if (alone.size >= bucketsAtMost) alone.clear();
    const { decision, fullAtUs } = gcra(alone.get(name) ?? 0, monotonic() * 1_000, share);
    alone.set(name, fullAtUs);
    return decision;
  };
}
