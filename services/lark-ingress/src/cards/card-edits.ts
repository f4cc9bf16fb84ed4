import { createHash, randomUUID } from 'node:crypto';
import { type Clock, hasCode } from '@moltbot/shared';
import type { CardChange, LarkApi } from '../lark-api.ts';
import { isRefusal } from '../sdk/api-error.ts';
import type { Card, CardElement } from './card.ts';

/** Changes cards that messages show. */
export interface CardEdits {
  /** Rejects as `ChatPlatform.edit` does. */
  edit(messageId: string, card: Card, signal: AbortSignal): Promise<void>;
}

/** What is known here of a card; another instance may have changed it since. */
interface Known {
  /** Undefined when the message shows no card entity. */
  cardId: string | undefined;
  sequence: number;
  /** As it stands there, when that is sure. */
  shown: Card | undefined;
  /** A change that may have been made: made again under the same name, it is one. */
  pending: { readonly digest: string; readonly uuid: string } | undefined;
}

type Names = Omit<CardChange, 'sequence'>;

const mostKnown = 1_000;
/**
 * Sequences are times, so that whoever goes on is ahead of who was before: half seconds since 2025, which fit into 31 bits until 2059.
 * Where that is not so, because clocks differ or edits came faster, one leaps ahead.
 */
const sequenceUnitMs = 500;
const sequenceEpoch = Date.UTC(2025, 0, 1);
const leaps = [100, 10_000, 1_000_000] as const;

export function createCardEdits({ api, clock }: { readonly api: LarkApi; readonly clock: Clock }): CardEdits {
  const cards = new Map<string, Known>();
  const knownOf = async (messageId: string, signal: AbortSignal): Promise<Known> => {
    const found = cards.get(messageId);
    const known = found ?? {
      ...{ cardId: await api.cardOf(messageId, signal), sequence: 0, shown: undefined, pending: undefined },
    };
    cards.delete(messageId);
    cards.set(messageId, known);
    for (const oldest of cards.keys()) {
      if (cards.size <= mostKnown) break;
      cards.delete(oldest);
    }
    return known;
  };
  const nextSequence = (known: Known, leap: number): number => {
    const byTime = Math.floor((clock.now() - sequenceEpoch) / sequenceUnitMs);
    known.sequence = Math.max(known.sequence + 1, byTime) + leap;
    return known.sequence;
  };
  /** @throws what the platform refuses, but for a change that is made already */
  const change = async (known: Known, make: (sequence: number) => Promise<void>): Promise<void> => {
    for (const leap of [0, ...leaps]) {
      try {
        return await make(nextSequence(known, leap));
      } catch (error) {
        if (isRefusal(error, 'repeatedUuid')) return;
        if (!isRefusal(error, 'staleSequence') || leap === leaps.at(-1)) throw error;
      }
    }
  };
  const show = async (known: Known, card: Card, names: Names): Promise<void> => {
    const whole = (): Promise<void> =>
      change(known, (sequence) => api.updateCard(JSON.stringify(card), { ...names, sequence }));
    const grown = known.shown && onlyText(known.shown, card);
    if (!grown) return whole();
    try {
      await change(known, (sequence) => api.streamText(grown, { ...names, sequence }));
    } catch (error) {
      if (!isRefusal(error, 'notStreaming')) throw error;
      await whole();
    }
  };

  return {
    async edit(messageId, card, signal) {
      const known = await knownOf(messageId, signal);
      const json = JSON.stringify(card);
      if (known.shown && JSON.stringify(known.shown) === json) return;
      const { cardId } = known;
      const digest = createHash('sha256').update(json).digest('hex');
      const uuid = known.pending?.digest === digest ? known.pending.uuid : randomUUID();
      try {
        if (cardId === undefined) await api.patch(messageId, JSON.stringify(unstreamed(card)), signal);
        else await show(known, card, { cardId, uuid, signal });
        known.shown = card;
        known.pending = undefined;
      } catch (error) {
        const isUnsure = hasCode(error, 'MOLT_CHAT_DOWN') || signal.aborted;
        known.pending = isUnsure ? { digest, uuid } : known.pending;
        if (isUnsure) known.shown = undefined;
        if (hasCode(error, 'MOLT_CHAT_GONE')) cards.delete(messageId);
        throw error;
      }
    },
  };
}

/** Streaming is for card entities alone. */
export const unstreamed = (card: Card): Card => ({ ...card, config: { ...card.config, streaming_mode: false } });

/** The element whose text alone differs, in a card that streams before and after. */
function onlyText(before: Card, after: Card): { readonly elementId: string; readonly content: string } | undefined {
  if (!before.config.streaming_mode || !after.config.streaming_mode) return undefined;
  const { elements } = after.body;
  const old = before.body.elements;
  if (old.length !== elements.length) return undefined;
  const changed = elements.filter((element, index) => !isSame(element, old[index]));
  const [only] = changed;
  if (changed.length !== 1 || !only?.element_id || !only.content) return undefined;
  const patched = old.map((element) =>
    element.element_id === only.element_id ? { ...element, content: only.content } : element,
  );
  const isAll = JSON.stringify({ ...before, body: { elements: patched } }) === JSON.stringify(after);
  return isAll ? { elementId: only.element_id, content: only.content } : undefined;
}

const isSame = (one: CardElement, other: CardElement | undefined): boolean =>
  JSON.stringify(one) === JSON.stringify(other);
