import type { ChatMessage, ChatPlatform, Incoming } from '@moltbot/chat';
import {
  type Clock,
  createRegistry,
  type LarkConfig,
  type Place,
  Secret,
  silentLogger,
  systemClock,
} from '@moltbot/shared';
import { createSqliteStore, type SqliteStore } from '@moltbot/store';
import { type LarkOptions, startLark, type TestLark } from '@moltbot/testkit';
import { onTestFinished } from 'vitest';
import type { LarkChat, Timing } from '../src/deps.ts';
import { createLarkApi, type LarkApi } from '../src/lark-api.ts';
import { createLarkIngress, type LarkIngress } from '../src/lark-ingress.ts';
import { createLarkPlatform } from '../src/lark-platform.ts';

export const clock: Clock = systemClock;
const log = silentLogger;
const encryptKey = 'test key';

/** A stand-in whose app encrypts and whose connections are quick; it ends with the test. */
export async function startLab(options: LarkOptions = {}): Promise<TestLark> {
  const tenants = { acme: { apps: { moltbot: { encryptKey } } } };
  const connection = { reconnectInterval: 0.05, reconnectNonce: 0, ...options.connection };
  const lark = await startLark({ tenants, ...options, connection });
  onTestFinished(() => lark.stop());
  return lark;
}

export async function openStore(): Promise<SqliteStore> {
  const retention = { tasksMs: 3_600_000, outputMs: 3_600_000, occurrencesMs: 3_600_000 };
  const store = createSqliteStore({ file: ':memory:', retention, clock, log });
  await store.start();
  onTestFinished(() => store.stop());
  return store;
}

export function configFor(lark: TestLark, more: Partial<LarkConfig> = {}): LarkConfig {
  const { id, secret, verificationToken, encryptKey: key } = lark.app();
  return {
    ...{ tenant: 'acme', appId: id, appSecret: new Secret(secret), mode: 'long-connection', prefix: '!' },
    ...{ encryptKey: new Secret(key), verificationToken: new Secret(verificationToken) },
    ...{ webhook: { host: '127.0.0.1', port: 0, path: '/lark/events' }, chats: [], groups: [], api: lark.domain },
    ...more,
  };
}

export const apiFor = (lark: TestLark): LarkApi => createLarkApi(configFor(lark), log);

export const platformFor = (lark: TestLark, api: LarkApi = apiFor(lark)): ChatPlatform =>
  createLarkPlatform({ name: 'ops', api, clock, log });

/** A chat that notes what it is given. */
export interface RecordingChat extends LarkChat {
  readonly heard: readonly Incoming[];
  texts(): readonly string[];
  readonly terms: () => number;
}

/** @param handle what it does beside; it has noted it then */
export function recordingChat(handle: (incoming: Incoming) => Promise<void> = async () => {}): RecordingChat {
  const heard: Incoming[] = [];
  let terms = 0;
  return {
    heard,
    terms: () => terms,
    texts: () => heard.map((incoming) => (incoming.kind === 'text' ? incoming.text : incoming.kind)),
    async handle(incoming) {
      heard.push(incoming);
      await handle(incoming);
    },
    async lead(signal) {
      terms += 1;
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    },
  };
}

export const quick: Timing = {
  ...{ lease: 800, claim: 500, sweepEvery: 50, catchUpEvery: 200 },
  ...{ pingEvery: 500, pongWithin: 300, answerWithin: 1_000 },
};

export interface BotOptions {
  readonly chat: LarkChat;
  readonly store: SqliteStore;
  readonly config?: Partial<LarkConfig>;
  readonly timing?: Partial<Timing>;
  readonly api?: LarkApi;
}

/** An instance; it ends with the test. */
export async function startBot(lark: TestLark, options: BotOptions): Promise<LarkIngress> {
  const { chat, store, api = apiFor(lark) } = options;
  const ingress = createLarkIngress({
    ...{ name: 'ops', config: configFor(lark, options.config), api, chat, store, clock, log },
    ...{ registry: createRegistry('test'), timing: { ...quick, ...options.timing } },
  });
  await ingress.start();
  onTestFinished(() => ingress.stop());
  return ingress;
}

export const urlOf = (ingress: LarkIngress): string => `http://127.0.0.1:${ingress.port()}/lark/events`;

export const message = (more: Partial<ChatMessage> = {}): ChatMessage => ({
  tone: 'working',
  title: 'uptime',
  ...more,
});

export const place = (lark: TestLark, chat = 'ops'): Place => ({ channel: lark.chatId(chat) });

export const signal: AbortSignal = new AbortController().signal;
