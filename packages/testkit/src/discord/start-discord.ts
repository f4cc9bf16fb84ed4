import type { APIApplicationCommand } from 'discord-api-types/v10';
import { createIce } from '../stand-in/ice.ts';
import { createRequestFaults } from '../stand-in/request-faults.ts';
import type { Counters } from './counters.ts';
import { createDiscordServer } from './discord-server.ts';
import { createDispatchFaults, createFaults, type DiscordFaults } from './faults.ts';
import type { Ping, StoredMessage } from './model.ts';
import type { DiscordOptions } from './options.ts';
import { createPage } from './page/page.ts';
import { createPlatform } from './platform.ts';
import type { RestTrouble } from './rest-faults.ts';
import { createRestServer, type RequestRecord } from './rest-server.ts';
import { compileOptions } from './settings.ts';
import { createTestUser, type TestUser } from './test-user.ts';
import { type DiscordMessage, viewOf } from './view.ts';

/**
 * Discord for one application, on 127.0.0.1: REST and gateway version 10 as the vendor documents them, a human side for
 * tests, faults on command, and a page for people at `url`. Channels are named by id, `name`, `guild/name`, or `@username`.
 */
export interface TestDiscord {
  readonly port: number;
  /** The page; also the CDN's base. */
  readonly url: string;
  /** For the SDK's `api` option: without the version. */
  readonly api: string;
  /** Follows a reset for too many IDENTIFYs. */
  readonly token: string;
  readonly applicationId: string;
  readonly botId: string;
  user(name: string): TestUser;
  channelId(channel: string): string;
  guildId(guild: string): string;
  /** Of a guild, by name. */
  roleId(guild: string, role: string): string;
  /** All of a channel, oldest first: deleted and ephemeral ones too. */
  messages(channel: string): readonly DiscordMessage[];
  message(id: string): DiscordMessage | undefined;
  /** What a user sees of a channel, oldest first: their own ephemeral messages, and no deleted ones. */
  seen(user: string, channel: string): readonly DiscordMessage[];
  /** Everyone who was notified by a mention, in order. */
  pings(): readonly Ping[];
  /** Global commands, or those of a guild. */
  commands(guild?: string): readonly APIApplicationCommand[];
  /** Ids of a channel's threads. */
  threads(channel: string): readonly string[];
  archiveThread(thread: string): void;
  /** With all that it holds: it answers 10003 from now on. */
  deleteChannel(channel: string): void;
  /** Makes a message look as if it were sent so many milliseconds ago: edits of old ones are limited. */
  age(messageId: string, ms: number): void;
  sessions(): readonly SessionView[];
  readonly counters: Readonly<Counters>;
  /** The last 5000 requests, oldest first. */
  requests(): readonly RequestRecord[];
  readonly faults: DiscordFaults;
  stop(): Promise<void>;
}

export interface SessionView {
  readonly id: string;
  readonly connected: boolean;
  /** Number of its last event. */
  readonly seq: number;
  readonly intents: number;
  readonly shard: readonly [id: number, count: number];
}

/** Resolves when it takes connections. @throws an Error for options that name what is not there */
export async function startDiscord(options: DiscordOptions = {}): Promise<TestDiscord> {
  const settings = compileOptions(options);
  const dispatches = createDispatchFaults();
  const restFaults = createRequestFaults<RestTrouble>();
  const ice = createIce();
  const platform = createPlatform(settings, { url: () => http.url(), timesOf: dispatches.timesOf });
  const { world, changes, counters, token, messages, files, threads, commands, people, gateway } = platform;
  const rest = createRestServer({ ...platform, faults: restFaults, awake: ice.melted });
  const http = createDiscordServer({ settings, rest, files, page: createPage(platform), gateway });
  await http.open();

  const view = (message: StoredMessage): DiscordMessage => viewOf(message, { world, files });
  const faults = createFaults({ gateway, dispatches, ice, rest: restFaults, close: http.close, open: http.open });
  return {
    port: http.port(),
    url: http.url(),
    api: `${http.url()}/api`,
    get token() {
      return token.current();
    },
    applicationId: world.applicationId,
    botId: world.bot.id,
    user: (name) => createTestUser(world.person(name), { ...platform, view }),
    channelId: (channel) => world.channel(channel).id,
    guildId: (guild) => world.guild(guild).id,
    roleId(guild, role) {
      const found = [...world.guild(guild).roles.values()].find(({ name }) => name === role);
      if (!found) throw new Error(`there is no role ${role} in ${guild}`);
      return found.id;
    },
    messages: (channel) => messages.all(world.channel(channel)).map(view),
    message(id) {
      const found = messages.get(id);
      return found && view(found);
    },
    seen(user, channel) {
      const person = world.person(user);
      return messages
        .all(world.channel(channel))
        .filter((message) => people.sees(person, message))
        .map(view);
    },
    pings: messages.pings,
    commands: (guild) => commands.of(guild === undefined ? undefined : world.guild(guild).id),
    threads(channel) {
      const parent = world.channel(channel);
      return world.channels().flatMap((each) => (each.parent === parent ? [each.id] : []));
    },
    archiveThread: (thread) => threads.archive(world.channel(thread)),
    deleteChannel(channel) {
      const found = world.channel(channel);
      world.removeChannel(found.id);
      changes.ring({ kind: 'channel-deleted', channel: found });
    },
    age(messageId, ms) {
      const message = messages.get(messageId);
      if (message) message.api.timestamp = new Date(Date.parse(message.api.timestamp) - ms).toISOString();
    },
    sessions: () =>
      gateway
        .sessions()
        .map(({ id, wire, seq, intents, shard }) => ({ id, connected: wire !== undefined, seq, intents, shard })),
    counters,
    requests: rest.records,
    faults,
    async stop() {
      faults.clear();
      threads.stop();
      gateway.stop();
      await http.close();
    },
  };
}
