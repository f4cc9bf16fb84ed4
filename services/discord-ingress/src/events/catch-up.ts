import { backoffMs, type Clock, type DiscordConfig, hasCode, isMoltError, type Logger } from '@moltbot/shared';
import type { Term } from '@moltbot/store';
import {
  type APIChannel,
  type APIMessage,
  ChannelType,
  type RESTGetAPIGuildThreadsResult,
  Routes,
} from 'discord-api-types/v10';
import type { DiscordRest } from '../rest/discord-rest.ts';
import { isAfter } from '../snowflake.ts';
import type { AnyMessage } from './message-to-incoming.ts';
import type { Reception } from './reception.ts';
import type { SeenChannel, SeenMessages } from './seen.ts';

export interface CatchUpDeps {
  readonly config: Pick<DiscordConfig, 'guilds' | 'directMessages'>;
  readonly rest: DiscordRest;
  readonly seen: SeenMessages;
  readonly reception: Reception;
  readonly term: Term;
  readonly clock: Clock;
  readonly log: Logger;
  /** Messages were read that no event told of. */
  onRead(messages: number): void;
}

const pageSize = 100;
const patience = { baseMs: 300, maxMs: 10_000 } as const;
const textTypes: readonly ChannelType[] = [
  ChannelType.GuildText,
  ChannelType.GuildAnnouncement,
  ChannelType.GuildVoice,
];

/**
 * Reads what was written while nobody listened, oldest first, in front of what comes now: after a session that could not be resumed.
 * Resolves when all of it is handled, or the term is over. Buttons and commands with options that were used meanwhile cannot be read.
 */
export async function catchUp(deps: CatchUpDeps): Promise<void> {
  const { reception, term, log } = deps;
  const parts: Promise<void>[] = [];
  await reception.hold(async () => {
    for (const channel of await channelsToRead(deps)) {
      const part = Promise.withResolvers<void>();
      parts.push(part.promise);
      reception.between(channel.channel, () => readChannel(channel, deps).finally(part.resolve));
    }
  });
  await Promise.all(parts);
  if (!term.isOver()) log.info({ channels: parts.length }, 'what was written meanwhile is read');
}

/** All that are listened in: those of the configuration, or all of a guild; their threads; direct messages there have been. */
async function channelsToRead(deps: CatchUpDeps): Promise<readonly SeenChannel[]> {
  const { config, seen } = deps;
  const found = new Map<string, SeenChannel>();
  const isHere = ({ guild }: SeenChannel): boolean =>
    guild === undefined ? config.directMessages !== undefined : config.guilds[guild] !== undefined;
  for (const channel of seen.channels().filter(isHere)) found.set(channel.channel, channel);
  for (const [guild, space] of Object.entries(config.guilds)) {
    const [channels, threads] = await Promise.all([
      space.channels.length > 0 ? space.channels.map((channel) => ({ channel, guild })) : channelsOf(guild, deps),
      threadsOf(guild, deps),
    ]);
    const listened = threads.filter(
      ({ parent }) => space.channels.length === 0 || space.channels.includes(parent ?? ''),
    );
    for (const each of [...channels, ...listened]) found.set(each.channel, each);
  }
  return [...found.values()];
}

const channelsOf = async (guild: string, deps: CatchUpDeps): Promise<SeenChannel[]> => {
  const ask = () => deps.rest.call<APIChannel[]>('get', Routes.guildChannels(guild));
  const channels = await persistently(deps, ask).catch(() => []);
  return channels.flatMap(({ id, type }) => (textTypes.includes(type) ? [{ channel: id, guild }] : []));
};

const threadsOf = async (guild: string, deps: CatchUpDeps): Promise<SeenChannel[]> => {
  const ask = () => deps.rest.call<RESTGetAPIGuildThreadsResult>('get', Routes.guildActiveThreads(guild));
  const { threads } = await persistently(deps, ask).catch(() => ({ threads: [] }));
  return threads.map((thread) => {
    const parent = 'parent_id' in thread ? (thread.parent_id ?? undefined) : undefined;
    return { channel: thread.id, guild, parent };
  });
};

async function readChannel({ channel, guild }: SeenChannel, deps: CatchUpDeps): Promise<void> {
  const { seen, rest, reception, term, onRead } = deps;
  let after = seen.after(channel);
  while (!term.isOver()) {
    const query = { after, limit: String(pageSize) };
    const ask = () => rest.call<APIMessage[]>('get', Routes.channelMessages(channel), { query });
    const page = await persistently(deps, ask).catch((error: unknown) => {
      if (hasCode(error, 'MOLT_CHAT_GONE')) seen.forget(channel);
      return [];
    });
    // Discord answers with the newest first.
    const oldestFirst = page.toSorted((a, b) => (isAfter(a.id, b.id) ? 1 : -1));
    onRead(oldestFirst.length);
    for (const message of oldestFirst) {
      const read: AnyMessage = { ...message, ...(guild === undefined ? {} : { guild_id: guild }) };
      await reception.read(read);
    }
    after = oldestFirst.at(-1)?.id ?? after;
    if (page.length < pageSize) return;
  }
}

/** @throws MOLT_CHAT_GONE or _REFUSED: the bot may not see it; and what was last wrong when the term is over */
async function persistently<T>({ term, clock, log }: CatchUpDeps, ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask();
    } catch (err) {
      const isPassing = hasCode(err, 'MOLT_CHAT_DOWN') || hasCode(err, 'MOLT_CHAT_LIMITED');
      if (!isPassing || term.isOver()) throw err;
      log.warn({ err, attempt }, 'what was written meanwhile could not be read yet');
      await clock.sleep(Math.max(waitOf(err), backoffMs(attempt, patience)), term.signal).catch(() => {});
    }
  }
}

const waitOf = (error: unknown): number =>
  isMoltError(error) && typeof error.details['retryAfterMs'] === 'number' ? error.details['retryAfterMs'] : 0;
