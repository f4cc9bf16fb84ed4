import { asMoltError, backoffMs, type Clock, hasCode, type Logger } from '@moltbot/shared';
import type { LarkSaid } from '../events/lark-event.ts';
import { readItem } from '../events/read-event.ts';
import type { LarkApi } from '../lark-api.ts';
import type { Inbox, InboxEntry } from './inbox.ts';
import { readBack } from './read-back.ts';

/**
 * What is said in a place is dealt with in the order in which it was said. The platform does not see to that: each event goes to one of
 * the instances, at random, and one that came to an instance that was just killed comes again after what was said later. The history knows.
 */
export interface Earlier {
  /**
   * Deals with what was said before it in its place and is not dealt with, or waits for whoever does.
   * @param deal resolves when it is dealt with, or could not be @throws MOLT_STORE_DOWN, and the signal's reason
   */
  settle(said: LarkSaid, deal: Deal): Promise<void>;
  /** It is dealt with as well. */
  settled(said: LarkSaid): void;
}

type Deal = (entry: InboxEntry) => Promise<unknown>;

export interface EarlierDeps {
  readonly api: Pick<LarkApi, 'history'>;
  readonly inbox: Pick<Inbox, 'take'>;
  readonly clock: Clock;
  readonly log: Logger;
  mayBeForUs(said: LarkSaid): boolean;
  /** From when on the history of a place counts; undefined where nothing was said to us before. */
  since(place: string): Promise<number | undefined>;
  readonly signal: AbortSignal;
}

/** So long what came before is waited for: an answer in the wrong place is better than none. */
const patienceMs = 20_000;
const lookEveryMs = 100;
const patience = { baseMs: 50, maxMs: 2_000 } as const;
/** After the app was refused a history it is not asked for so long. */
const refusedForMs = 600_000;
/** Places whose state is remembered. */
const mostPlaces = 2_000;

export function createEarlier(deps: EarlierDeps): Earlier {
  const { api, inbox, clock, log, signal: stopping } = deps;
  /** All that was said in a place up to an instant is dealt with; epoch ms. */
  const settledTo = new Map<string, number>();
  const refusedUntil = new Map<string, number>();

  const read = async (said: LarkSaid, since: number, signal: AbortSignal): Promise<readonly LarkSaid[]> => {
    const container = said.thread === undefined ? 'chat' : 'thread';
    const items = await readBack({ api, clock, log }, { container, id: placeOf(said), since, signal });
    const own = items.findIndex(({ message_id: id }) => id === said.id);
    const before = own >= 0 ? items.slice(0, own) : items.filter(({ create_time: time }) => Number(time) < said.at);
    return before.flatMap((item) => readItem(item, said.isPrivate) ?? []).filter(deps.mayBeForUs);
  };
  const untilDone = async (earlier: LarkSaid, { deal, signal }: Way): Promise<void> => {
    let tries = 0;
    for (let taken = await inbox.take(earlier); taken !== 'done'; taken = await inbox.take(earlier)) {
      if (taken === 'taken') {
        await clock.sleep(lookEveryMs, signal);
      } else {
        if (tries > 0) await clock.sleep(backoffMs(tries, patience), signal);
        tries += 1;
        await deal(taken);
      }
    }
  };
  const settle = async (said: LarkSaid, way: Way): Promise<void> => {
    const place = placeOf(said);
    const since = settledTo.get(place) ?? (await deps.since(place));
    if (since === undefined || said.at <= since) return;
    for (const earlier of await read(said, since, way.signal)) await untilDone(earlier, way);
  };
  const insist = async (said: LarkSaid, way: Way): Promise<void> => {
    let tries = 0;
    for (;;) {
      try {
        return await settle(said, way);
      } catch (error) {
        if (way.signal.aborted || !isPassing(error)) throw error;
        tries += 1;
        await clock.sleep(backoffMs(tries, patience), way.signal);
      }
    }
  };

  return {
    async settle(said, deal) {
      const place = placeOf(said);
      if ((refusedUntil.get(place) ?? 0) > clock.monotonic()) return;
      const over = AbortSignal.timeout(patienceMs);
      try {
        await insist(said, { deal, signal: AbortSignal.any([stopping, over]) });
      } catch (error) {
        if (stopping.aborted || asMoltError(error).code === 'MOLT_STORE_DOWN') throw error;
        if (!over.aborted) refusedUntil.set(place, clock.monotonic() + refusedForMs);
        log.warn({ err: error, event: said.id, place }, 'what was said before is not known to be dealt with');
      }
    },
    settled(said) {
      const place = placeOf(said);
      const at = Math.max(settledTo.get(place) ?? 0, said.at);
      settledTo.delete(place);
      settledTo.set(place, at);
      const oldest = settledTo.size > mostPlaces ? settledTo.keys().next().value : undefined;
      if (oldest !== undefined) settledTo.delete(oldest);
    },
  };
}

interface Way {
  readonly deal: Deal;
  readonly signal: AbortSignal;
}

const placeOf = ({ chat, thread }: LarkSaid): string => thread ?? chat;

const isPassing = (error: unknown): boolean => hasCode(error, 'MOLT_CHAT_DOWN') || hasCode(error, 'MOLT_CHAT_LIMITED');
