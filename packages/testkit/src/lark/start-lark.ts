import { createHttpServer } from '../stand-in/http-server.ts';
import { createIce } from '../stand-in/ice.ts';
import { createRequestFaults } from '../stand-in/request-faults.ts';
import type { Counters } from './counters.ts';
import type { Delivery } from './deliveries.ts';
import { createEventFaults } from './event-faults.ts';
import { createFaults, type LarkFaults } from './faults.ts';
import { messageHtml } from './message-html.ts';
import type { Ping, StoredMessage } from './model.ts';
import { createOpenApi, type RequestRecord } from './open-api.ts';
import type { LarkOptions, Locale } from './options.ts';
import { createPlatform } from './platform.ts';
import type { RestTrouble } from './rest-faults.ts';
import { compileOptions } from './settings.ts';
import { createTestApp, type TestApp } from './test-app.ts';
import { type BotChange, createTestUser, type TestUser } from './test-user.ts';
import { type LarkMessage, pingsOf, viewOf } from './view.ts';

/**
 * Lark (Feishu) on 127.0.0.1: the open platform as open.feishu.cn documents it, for self-built apps of several tenants, with long
 * connections and webhooks, a human side for tests, and faults on command. Chats are named by id, `name`, `tenant/name`, or
 * `@alice` for her talk with her tenant's first bot, `@alice:app` for that with another.
 */
export interface TestLark {
  readonly port: number;
  /** For the SDK's `domain` option. */
  readonly domain: string;
  /** By name, `tenant/name` or id. Default: the first one. */
  app(ref?: string): TestApp;
  /** By name or `tenant/name`. Default: with the language of the options. */
  user(name: string, options?: { readonly locale?: Locale }): TestUser;
  chatId(chat: string): string;
  /** All of a chat, oldest first, deleted ones too. */
  messages(chat: string): readonly LarkMessage[];
  message(id: string): LarkMessage | undefined;
  threads(chat: string): readonly LarkThread[];
  /** Everyone who was notified by a mention, in order. */
  pings(): readonly Ping[];
  /** A page that shows a message as a client does. Default: in English. */
  renderHtml(messageId: string, options?: { readonly locale?: Locale }): string;
  /** Makes a message, and the card entity it shows, look as if it were sent so many milliseconds ago. */
  age(messageId: string, ms: number): void;
  /** Events for apps, in the order they happened, and what became of each. */
  deliveries(): readonly Delivery[];
  readonly counters: Readonly<Counters>;
  /** The last 5000, oldest first. */
  requests(): readonly RequestRecord[];
  readonly faults: LarkFaults;
  stop(): Promise<void>;
}

export interface LarkThread {
  readonly id: string;
  /** The first is what it began at. */
  readonly messages: readonly LarkMessage[];
}

/** Resolves when it takes connections. @throws an Error for options that name what is not there */
export async function startLark(options: LarkOptions = {}): Promise<TestLark> {
  const settings = compileOptions(options);
  const [ice, outage, hold] = [createIce(), createIce(), createIce()];
  const eventFaults = createEventFaults();
  const restFaults = createRequestFaults<RestTrouble>();
  const url = (): string => http.url().replace('http', 'ws');
  const platform = createPlatform(settings, { url, ice, gates: [ice, outage, hold], faults: eventFaults });
  const { world, messages, files, entities, events, connections, deliveries, tokens, counters } = platform;
  const openApi = createOpenApi({ ...platform, faults: restFaults, awake: ice.melted });
  const http = createHttpServer({ settings, serve: openApi.serve, accept: connections.accept });
  await http.open();

  const view = (message: StoredMessage): LarkMessage => viewOf(message, files);
  const known = (id: string): StoredMessage => messages.get(id) ?? fail(`there is no message ${id}`);
  const setBot = ({ chat, app, operator, isIn }: BotChange): void => {
    const bot = world.app(app ?? world.apps.find(({ tenant }) => tenant === operator.tenant)?.id);
    if (isIn) chat.bots.add(bot);
    else chat.bots.delete(bot);
    if (isIn) events.botAdded(chat, bot, operator);
    else events.botRemoved(chat, bot, operator);
  };
  const faults = createFaults({
    ...{ connections, tokens, ice, outage, hold, rest: restFaults, events: eventFaults },
    ...{ appOf: world.app, close: http.close, open: http.open },
  });
  return {
    port: http.port(),
    domain: http.url(),
    app: (ref) => createTestApp(world.app(ref), platform),
    user(name, options) {
      const person = world.person(name);
      return createTestUser(person, { ...platform, locale: options?.locale ?? person.locale, view, setBot });
    },
    chatId: (chat) => world.chat(chat).id,
    messages: (chat) => messages.all(world.chat(chat)).map(view),
    message(id) {
      const found = messages.get(id);
      return found && view(found);
    },
    threads(chat) {
      const ids = messages.all(world.chat(chat)).flatMap(({ threadId }) => (threadId === undefined ? [] : [threadId]));
      return [...new Set(ids)].map((id) => ({ id, messages: messages.ofThread(id).map(view) }));
    },
    pings: () => messages.everything().flatMap((message) => pingsOf(message, world)),
    renderHtml: (messageId, { locale = 'en_us' } = {}) => messageHtml(known(messageId), locale, platform),
    age(messageId, ms) {
      const message = known(messageId);
      message.createdAt -= ms;
      const entity = message.cardId === undefined ? undefined : entities.get(message.cardId);
      if (entity) entity.createdAt -= ms;
    },
    deliveries: deliveries.all,
    counters,
    requests: openApi.records,
    faults,
    async stop() {
      deliveries.stop();
      connections.stop();
      faults.clear();
      outage.thaw();
      await http.close();
    },
  };
}

function fail(message: string): never {
  throw new Error(message);
}
