import { type Clock, hasCode, type LarkConfig, type Logger } from '@moltbot/shared';
import type { LarkApi } from '../lark-api.ts';

/** Who is who, as the platform says; asked for when it is needed, and believed for some minutes. */
export interface Directory {
  /** Open id of the bot. @throws MOLT_CHAT_* */
  botId(): Promise<string>;
  /** The configured groups that a user is in. @throws MOLT_CHAT_DOWN and MOLT_CHAT_LIMITED; a group that cannot be read has nobody in it */
  groupsOf(user: string, chat: string): Promise<readonly string[]>;
  /** What a user is called, by those in the chat or by the directory; else the id. */
  nameOf(user: string, chat: string): Promise<string>;
}

export interface DirectoryDeps {
  readonly config: Pick<LarkConfig, 'groups'>;
  readonly api: LarkApi;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

const believedForMs = 300_000;
/** Chats, or users, that are remembered. */
const most = 500;
/** A look at a chat; a press is to be answered within three seconds. */
const askForMs = 1_500;

interface Kept {
  readonly until: number;
  /** Name by open id. */
  readonly names: Promise<ReadonlyMap<string, string>>;
}

export function createDirectory({ config, api, clock, log, signal }: DirectoryDeps): Directory {
  const chats = new Map<string, Kept>();
  const called = new Map<string, { readonly until: number; readonly name: string }>();
  let bot: Promise<string> | undefined;

  const read = async (chat: string): Promise<ReadonlyMap<string, string>> => {
    const patience = AbortSignal.any([signal, AbortSignal.timeout(askForMs)]);
    const members = await api.members(chat, patience);
    return new Map(members.map(({ id, name }) => [id, name]));
  };
  const membersOf = (chat: string): Promise<ReadonlyMap<string, string>> => {
    const found = chats.get(chat);
    if (found && found.until > clock.monotonic()) return found.names;
    const names = read(chat);
    const kept = { until: clock.monotonic() + believedForMs, names };
    chats.delete(chat);
    chats.set(chat, kept);
    trim(chats);
    // What was no answer is asked for again; a refusal is one.
    names.catch((error: unknown) => {
      if (!isRefused(error) && chats.get(chat) === kept) chats.delete(chat);
    });
    return names;
  };
  /** A talk of two may have no members that can be read. */
  const calledOf = async (user: string): Promise<string> => {
    const found = called.get(user);
    if (found && found.until > clock.monotonic()) return found.name;
    const patience = AbortSignal.any([signal, AbortSignal.timeout(askForMs)]);
    const name = (await api.userName(user, patience).catch(() => undefined)) ?? user;
    called.delete(user);
    called.set(user, { until: clock.monotonic() + believedForMs, name });
    trim(called);
    return name;
  };
  const isIn = async (user: string, group: string): Promise<boolean> => {
    try {
      return (await membersOf(group)).has(user);
    } catch (error) {
      if (!isRefused(error)) throw error;
      log.warn({ err: error, group }, 'the members of a group cannot be read: nobody has rights by it');
      return false;
    }
  };

  return {
    botId() {
      bot ??= api.botId(signal).catch((error: unknown) => {
        bot = undefined;
        throw error;
      });
      return bot;
    },
    async groupsOf(user, chat) {
      const found = await Promise.all(
        config.groups.map(async (group) => (group === chat || (await isIn(user, group)) ? [group] : [])),
      );
      return found.flat();
    },
    async nameOf(user, chat) {
      const names = await membersOf(chat).catch(() => undefined);
      return names?.get(user) ?? (await calledOf(user));
    },
  };
}

/** The oldest are forgotten. */
function trim(kept: Map<string, unknown>): void {
  for (const oldest of kept.keys()) {
    if (kept.size <= most) return;
    kept.delete(oldest);
  }
}

const isRefused = (error: unknown): boolean => hasCode(error, 'MOLT_CHAT_REFUSED') || hasCode(error, 'MOLT_CHAT_GONE');
