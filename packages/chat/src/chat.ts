import type { Bus, Subscription } from '@moltbot/bus';
import type { Clock, Config, Logger, Registry, Service } from '@moltbot/shared';
import { counter } from '@moltbot/shared';
import type { Store } from '@moltbot/store';
import type { ChatContext, ChatIntake } from './chat-context.ts';
import { runGranted } from './commands/run-granted.ts';
import { complete } from './complete.ts';
import { createEvents } from './events.ts';
import type { Choice } from './grammar/complete.ts';
import { type Handled, handleIncoming } from './handle-incoming.ts';
import type { Completion, Incoming } from './incoming.ts';
import { createNotices } from './notices/notices.ts';
import { createLinkCodes } from './people/link-codes.ts';
import { createPeople } from './people/people.ts';
import { createStrangerBudget } from './people/stranger-budget.ts';
import type { ChatPlatform } from './platform.ts';
import { createChannelLanes } from './posts/channel-lanes.ts';
import { keepPosts } from './posts/keep-posts.ts';
import { createPostMetrics } from './posts/post-metrics.ts';
import { createPosts } from './posts/posts.ts';
import { subjectOf } from './posts/subject-of.ts';
import { createGrants } from './questions/grants.ts';
import { createQuestions } from './questions/questions.ts';
import { consumeReplies } from './reply-to-post.ts';

export interface ChatDeps {
  readonly platform: ChatPlatform;
  /** Tenants of the bot. */
  readonly tenants: readonly string[];
  readonly config: Pick<Config['platforms'], 'aliases' | 'staleAfterMs'>;
  /** Ids of roles that may give commands, by where that is. */
  rolesOf(incoming: Pick<Incoming, 'tenant' | 'place'>): readonly string[];
  readonly store: Store;
  readonly bus: Pick<Bus, 'consume'>;
  readonly intake: ChatIntake;
  readonly schedules: ChatContext['schedules'];
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Logger;
}

/** One bot of one platform, without the platform. */
export interface Chat extends Service {
  /**
   * Answers something that somebody did. May be called any number of times for one event, by any instance. Resolves when all that it leads
   * to is in the store; @throws MOLT_STORE_DOWN and what else passes: then the event is to be given again.
   */
  handle(incoming: Incoming): Promise<void>;
  /** What could be written, best first; at most 25. */
  complete(completion: Completion): Promise<readonly Choice[]>;
  /** Keeps the answers of the bot, and runs what others left decided, until the signal aborts: one instance at a time. */
  lead(signal: AbortSignal): Promise<void>;
}

/** Of events that are handled, and could not be noted as such yet. */
const unnotedAtMost = 10_000;

export function createChat(deps: ChatDeps): Chat {
  const { platform, tenants, store, bus, clock, log, registry, config } = deps;
  const { name, account } = platform;
  const stopping = new AbortController();
  const posts = createPosts({ store, platform, tenants, log });
  const questions = createQuestions(store);
  const notices = createNotices(store);
  const metrics = createPostMetrics(registry, platform);
  const counts = counter(registry, {
    name: 'moltbot_chat_events_total',
    help: 'What people did in chats, by kind and what became of it.',
    labelNames: ['platform', 'account', 'kind', 'outcome'],
  });
  const context: ChatContext = {
    ...{ platform, store, posts, questions, notices, clock, log, intake: deps.intake, stopping: stopping.signal },
    ...{ schedules: deps.schedules, aliases: config.aliases, staleAfterMs: config.staleAfterMs },
    people: createPeople({ store, platform, rolesOf: deps.rolesOf }),
    codes: createLinkCodes({ store, now: clock.now }),
    grants: createGrants({ store, platform, tenants }),
    strangers: createStrangerBudget({ store, platform }),
    events: createEvents({ store, platform, now: clock.now }),
  };
  const orders = new Map<string, Promise<unknown>>();
  const inHand = new Set<Promise<void>>();
  const unnoted = new Set<string>();
  const unnotedMessages = new Map<string, string>();
  let replies: Subscription | undefined;

  /** What is said in a channel is answered in the order in which it was said. */
  const inOrder = (channel: string, work: () => Promise<void>): Promise<void> => {
    const done = (orders.get(channel) ?? Promise.resolve()).then(work, work);
    const settled = done
      .catch(() => {})
      .finally(() => {
        if (orders.get(channel) === settled) orders.delete(channel);
      });
    orders.set(channel, settled);
    return done;
  };
  const handleOnce = async (incoming: Incoming): Promise<void> => {
    const { tenant, id, kind } = incoming;
    const event = `${tenant}/${id}`;
    const count = (outcome: string): void => counts.inc({ platform: name, account, kind, outcome });
    try {
      // What was whispered is not whispered again because the store was down right then.
      const handled: Handled = unnoted.has(event) ? 'handled' : await handleIncoming(context, incoming);
      if (handled === 'repeated') return count(handled);
      const [oldest] = unnoted.size >= unnotedAtMost ? unnoted : [];
      if (oldest !== undefined) unnoted.delete(oldest);
      unnoted.add(event);
      await context.events.handled(incoming);
      unnoted.delete(event);
      count(handled);
    } catch (error) {
      count('again');
      throw error;
    }
  };

  return {
    name: `chat-${name}-${account}`,
    async start() {
      replies = await consumeReplies({ bus, store, clock, log, platform: name });
    },
    async handle(incoming) {
      const isOrdered = incoming.kind !== 'press';
      const handled = isOrdered
        ? inOrder(incoming.place.thread ?? incoming.place.channel, () => handleOnce(incoming))
        : handleOnce(incoming);
      inHand.add(handled);
      try {
        await handled;
      } finally {
        inHand.delete(handled);
      }
    },
    complete: (completion) => complete(context, completion),
    async lead(signal) {
      const lanes = createChannelLanes({ limits: platform.limits, clock, signal });
      const keeping = keepPosts({
        ...{ platform, posts, lanes, metrics, clock, log, signal, unnoted: unnotedMessages },
        subjectOf: (post) => subjectOf({ store, posts, questions, notices, limits: platform.limits, clock }, post),
      });
      await Promise.all([keeping, runGranted(context, signal)]);
    },
    async quiesce() {
      await replies?.cancel();
      replies = undefined;
      stopping.abort();
      await Promise.allSettled(inHand);
    },
    async stop() {
      await replies?.cancel();
      replies = undefined;
      stopping.abort();
      await Promise.allSettled(inHand);
    },
    health: () => ({ ok: true }),
  };
}
