import type { Chat, Incoming } from '@moltbot/chat';
import { backoffMs, type Clock, hasCode, type Logger } from '@moltbot/shared';
import type { Term } from '@moltbot/store';
import type { APIInteraction } from 'discord-api-types/v10';
import { type InteractionDeps, takeInteraction } from './interactions.ts';
import { createLanes } from './lanes.ts';
import { type AnyMessage, type MessageReading, messageToIncoming } from './message-to-incoming.ts';
import type { SeenMessages } from './seen.ts';

/** Gives what came to the chat: messages of a channel in their order, interactions at once, each until it is durable. */
export interface Reception {
  /** @param handled called when it need not come again */
  message(message: AnyMessage, handled?: () => void): void;
  interaction(interaction: APIInteraction, handled: () => void): void;
  /** Something that is to be done between two messages of a channel, which may `read` others. Must not reject. */
  between(channel: string, work: () => Promise<void>): void;
  /** A message of the channel whose turn it is, by `between`. */
  read(message: AnyMessage): Promise<void>;
  /** Messages wait until `work` is done, which may put others in front of them. Must not reject. */
  hold(work: () => Promise<void>): Promise<void>;
  /** Resolves when nothing is in hand. */
  idle(): Promise<void>;
}

export interface ReceptionDeps extends MessageReading, InteractionDeps {
  readonly term: Term;
  readonly chat: Pick<Chat, 'handle' | 'complete'>;
  readonly seen: SeenMessages;
  readonly clock: Clock;
  readonly log: Logger;
  onIncoming(kind: Incoming['kind']): void;
}

/** Between two tries while a store, the bus or Discord is down. */
const patience = { baseMs: 200, maxMs: 5_000 } as const;
/** So many ids are remembered: what comes twice soon is handled once. */
const remembered = 2_000;

export function createReception(deps: ReceptionDeps): Reception {
  const { term, chat, seen, clock, log } = deps;
  const lanes = createLanes();
  const done = new Set<string>();
  const interactions = new Map<string, Promise<boolean>>();
  let holding: Promise<void> | undefined;
  const waiting: (() => void)[] = [];

  /** False when the term is over: whoever leads next gets it again. */
  const untilDone = async (what: string, id: string, work: () => Promise<void>): Promise<boolean> => {
    for (let attempt = 1; !term.isOver(); attempt += 1) {
      try {
        await work();
        return true;
      } catch (err) {
        if (!isPassing(err)) {
          log.error({ err, id }, `${what} could not be handled`);
          return true;
        }
        log.warn({ err, id, attempt }, `${what} is tried again`);
        await clock.sleep(backoffMs(attempt, patience), term.signal).catch(() => {});
      }
    }
    return false;
  };
  const give = async (incoming: Incoming | undefined): Promise<void> => {
    if (!incoming || term.isOver()) return;
    deps.onIncoming(incoming.kind);
    await chat.handle(incoming);
  };
  const takeMessage = async (message: AnyMessage): Promise<boolean> => {
    if (done.has(message.id)) return true;
    const isDone = await untilDone('a message', message.id, async () => give(await messageToIncoming(message, deps)));
    // In a process that was frozen meanwhile, another has it.
    if (!isDone || term.isOver()) return false;
    remember(done, message.id);
    const { channel_id: channel, guild_id: guild } = message;
    seen.mark({ channel, guild }, message.id);
    return true;
  };
  const enqueue = (message: AnyMessage, handled: () => void): void =>
    lanes.add(message.channel_id, async () => {
      if (await takeMessage(message)) handled();
    });

  return {
    message(message, handled = () => {}) {
      if (holding) waiting.push(() => enqueue(message, handled));
      else enqueue(message, handled);
    },
    interaction(interaction, handled) {
      const { id } = interaction;
      const first = interactions.get(id);
      const taken =
        first ?? untilDone('an interaction', id, async () => give(await takeInteraction(interaction, deps)));
      if (!first) {
        forgetOldest(interactions);
        interactions.set(id, taken);
      }
      taken.then((isDone) => isDone && !term.isOver() && handled()).catch(() => {});
    },
    between: (channel, work) => lanes.add(channel, work),
    async read(message) {
      await takeMessage(message);
    },
    async hold(work) {
      const held = (holding ?? Promise.resolve()).then(work);
      holding = held;
      await held;
      if (holding !== held) return;
      holding = undefined;
      for (const add of waiting.splice(0)) add();
    },
    async idle() {
      await Promise.all([lanes.idle(), ...interactions.values()]);
    },
  };
}

const isPassing = (error: unknown): boolean =>
  (['MOLT_STORE_DOWN', 'MOLT_BUS_DOWN', 'MOLT_SHUTTING_DOWN', 'MOLT_CHAT_DOWN', 'MOLT_CHAT_LIMITED'] as const).some(
    (code) => hasCode(error, code),
  );

function remember(ids: Set<string>, id: string): void {
  const oldest = ids.size >= remembered ? ids.values().next().value : undefined;
  if (oldest !== undefined) ids.delete(oldest);
  ids.add(id);
}

function forgetOldest(interactions: Map<string, unknown>): void {
  const oldest = interactions.size >= remembered ? interactions.keys().next().value : undefined;
  if (oldest !== undefined) interactions.delete(oldest);
}
