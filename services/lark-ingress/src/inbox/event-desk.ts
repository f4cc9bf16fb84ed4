import { asMoltError, type ErrorCode, type Logger, withDeadline } from '@moltbot/shared';
import type { LarkEvent } from '../events/lark-event.ts';
import type { EventOutcome } from '../ingress-metrics.ts';
import { type ButtonAnswer, createButtonAnswer } from './button-answer.ts';
import type { Earlier } from './earlier.ts';
import type { Inbox, InboxEntry } from './inbox.ts';

/** Takes events in and sees to it that each is dealt with. */
export interface EventDesk {
  /**
   * Resolves when the event cannot be lost any more, which is when the platform may be told; a press also waits for its answer.
   * @returns what a press is answered with
   * @throws MOLT_STORE_DOWN, MOLT_DEADLINE: the platform has to send it again
   */
  receive(event: LarkEvent): Promise<object | undefined>;
  /** Takes in what came by no event, unless it is known. @throws MOLT_STORE_DOWN */
  takeMissed(event: LarkEvent): Promise<void>;
  /** Deals with what others have left behind. @throws MOLT_STORE_DOWN */
  sweep(): Promise<void>;
  /** Resolves when nothing is in hand any more. */
  settled(): Promise<void>;
}

export interface EventDeskDeps {
  readonly inbox: Inbox;
  readonly earlier: Earlier;
  /** All that an event leads to is durable when it resolves. */
  deal(event: LarkEvent, answer: ButtonAnswer | undefined): Promise<void>;
  readonly answerWithinMs: number;
  count(outcome: EventOutcome): void;
  readonly log: Logger;
}

/** The platform waits for three seconds. */
const keepWithinMs = 2_000;
/** What hangs for so long would keep its chat waiting for ever. */
const dealWithinMs = 60_000;
/** What is tried again until it goes well. All other errors are defects, which are given up. */
const passing: readonly ErrorCode[] = ['MOLT_STORE_DOWN', 'MOLT_BUS_DOWN', 'MOLT_CHAT_DOWN', 'MOLT_CHAT_LIMITED'];
const mostTries = 10;

export function createEventDesk(deps: EventDeskDeps): EventDesk {
  const { inbox, earlier, deal, answerWithinMs, count, log } = deps;
  const working = new Map<string, Promise<void>>();
  /** The last of each chat: what is said there is dealt with in the order in which it came. */
  const lanes = new Map<string, Promise<void>>();

  /** @returns whether it need not be dealt with any more */
  const work = async ({ event, tries }: InboxEntry, answer?: ButtonAnswer): Promise<boolean> => {
    try {
      await withDeadline({ ms: dealWithinMs, what: 'dealing with an event' }, () => deal(event, answer));
      await inbox.done(event);
      count('handled');
      return true;
    } catch (error) {
      const { code } = asMoltError(error);
      const isHopeless = !passing.includes(code) && tries >= mostTries;
      count(isHopeless ? 'given-up' : 'failed');
      const facts = { err: error, event: event.id, chat: event.chat, tries };
      if (isHopeless) log.error(facts, 'an event could not be dealt with; gives it up');
      else log.warn(facts, 'an event could not be dealt with yet');
      if (isHopeless) await inbox.done(event).catch(() => {});
      return isHopeless;
    }
  };
  const workInOrder = async (entry: InboxEntry, answer?: ButtonAnswer): Promise<void> => {
    const { event } = entry;
    if (event.kind === 'pressed') return void (await work(entry, answer));
    try {
      await earlier.settle(event, work);
    } catch (err) {
      count('failed');
      return log.warn({ err, event: event.id, chat: event.chat }, 'an event waits for what was said before it');
    }
    if (await work(entry)) earlier.settled(event);
  };
  const begin = (entry: InboxEntry, answer?: ButtonAnswer): Promise<void> => {
    const { id, chat, kind } = entry.event;
    const before = kind === 'said' ? lanes.get(chat) : undefined;
    const job = (before ?? Promise.resolve()).then(() => workInOrder(entry, answer));
    working.set(id, job);
    if (kind === 'said') lanes.set(chat, job);
    return job.finally(() => {
      if (working.get(id) === job) working.delete(id);
      if (lanes.get(chat) === job) lanes.delete(chat);
    });
  };
  const inBackground = (job: Promise<void>): void => {
    job.catch((err: unknown) => log.error({ err }, 'an event could not be dealt with'));
  };

  return {
    async receive(event) {
      // Its time begins now.
      const answer = event.kind === 'pressed' ? createButtonAnswer(answerWithinMs) : undefined;
      const isNew = await withDeadline({ ms: keepWithinMs, what: 'keeping an event' }, () => inbox.keep(event));
      count(isNew ? 'new' : 'known');
      if (!isNew) return undefined;
      const job = begin({ event, tries: 1 }, answer);
      inBackground(job);
      return answer?.settle(job);
    },
    async takeMissed(event) {
      if (!(await inbox.keep(event))) return;
      count('missed');
      log.warn({ event: event.id, chat: event.chat }, 'a message came by no event; it was found in the history');
      inBackground(begin({ event, tries: 1 }));
    },
    async sweep() {
      const claimed = await inbox.claim();
      for (const entry of claimed) {
        if (working.has(entry.event.id)) continue;
        log.info({ event: entry.event.id, tries: entry.tries }, 'deals with an event that was left behind');
        inBackground(begin(entry));
      }
    },
    async settled() {
      while (working.size > 0) await Promise.allSettled(working.values());
    },
  };
}
