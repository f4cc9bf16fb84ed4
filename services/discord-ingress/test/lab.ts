import {
  type Answer,
  type Chat,
  type ChatMessage,
  type ChatPlatform,
  type Completion,
  type Incoming,
  type Usage,
  usageOf,
} from '@moltbot/chat';
import {
  type Clock,
  createRegistry,
  type DiscordConfig,
  MoltError,
  Secret,
  type Service,
  silentLogger,
  systemClock,
} from '@moltbot/shared';
import { createSqliteStore, type Store } from '@moltbot/store';
import { type DiscordOptions, eventually, startDiscord, type TestDiscord } from '@moltbot/testkit';
import { onTestFinished } from 'vitest';
import { createDiscordIngress, type DiscordIngressDeps } from '../src/index.ts';

/** A chat that only notes what it is given. */
export interface FakeChat {
  readonly platform: ChatPlatform;
  /** In order, each as often as it was given. */
  readonly incoming: Incoming[];
  readonly completions: Completion[];
  /** Texts and verbs of what came, in order. */
  said(): readonly string[];
  /** What happens with each; default: nothing. */
  onHandle(incoming: Incoming): Promise<void>;
  onComplete(completion: Completion): ReturnType<Chat['complete']>;
  leads: number;
}

export interface Instance {
  readonly ingress: Service;
  readonly chat: FakeChat;
  /** Cut off from the store and the chat without a word: its lease is not given back, and its connection stays open. */
  kill(): void;
}

export const usages: readonly Usage[] = usageOf({ actions: [], aliases: [] });

const retention = { tasksMs: 1e9, outputMs: 1e9, occurrencesMs: 1e9 };

/**
 * Time in which this process runs: while it stands still, leases and connections do not age that it could not look after. Ends with the test.
 */
export function clockOfThisProcess(): Clock {
  const began = Date.now();
  let ran = 0;
  const ticks = setInterval(() => {
    ran += 10;
  }, 10);
  onTestFinished(() => clearInterval(ticks));
  return { ...systemClock, now: () => began + ran, monotonic: () => ran };
}

/** No waiting between IDENTIFYs on the stand-in's side. */
export async function startLab(options: DiscordOptions = {}, clock: Clock = systemClock): Promise<Lab> {
  const discord = await startDiscord({ ...options, timing: { identify: 0, ...options.timing } });
  onTestFinished(() => discord.stop());
  const store = createSqliteStore({ file: ':memory:', retention, clock, log: silentLogger });
  await store.start();
  onTestFinished(() => store.stop());
  return new Lab(discord, store, clock);
}

type Settings = Partial<DiscordConfig> & { readonly timing?: DiscordIngressDeps['timing'] };

/** The stand-in, a store, and as many instances as a test wants. */
export class Lab {
  readonly discord: TestDiscord;
  readonly store: Store;
  readonly clock: Clock;

  constructor(discord: TestDiscord, store: Store, clock: Clock) {
    this.discord = discord;
    this.store = store;
    this.clock = clock;
  }

  config(settings: Partial<DiscordConfig> = {}): DiscordConfig {
    const { discord } = this;
    return {
      token: new Secret(discord.token),
      guilds: { [discord.guildId('ops')]: { tenant: 'default', channels: [], roles: [] } },
      messageContent: true,
      prefix: '!',
      directMessages: 'default',
      api: discord.api,
      ...settings,
    };
  }

  /** One that may not lead yet. */
  async start({ timing, ...settings }: Settings = {}): Promise<Instance> {
    let fake: FakeChat | undefined;
    let isDead = false;
    const kill = (): void => {
      isDead = true;
    };
    const store: Store = new Proxy(this.store, {
      get: (target, key, receiver) => {
        const value: unknown = Reflect.get(target, key, receiver);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) =>
          isDead ? Promise.reject(new MoltError('MOLT_STORE_DOWN', 'it is dead')) : Reflect.apply(value, target, args);
      },
    });
    const ingress = createDiscordIngress({
      ...{ name: 'main', config: this.config(settings), store, usages: () => usages },
      ...{ registry: createRegistry('test'), clock: this.clock, log: silentLogger },
      timing: { identifyEvery: 0, ...timing },
      chat(platform) {
        const made = createFakeChat(platform, () => isDead);
        fake = made.fake;
        return made.chat;
      },
    });
    await ingress.start();
    onTestFinished(() => ingress.stop());
    if (!fake) throw new Error('no chat was made');
    return { ingress, chat: fake, kill };
  }

  /** One that is connected. */
  async connected(settings: Settings = {}): Promise<Instance> {
    const before = this.discord.counters.connections;
    const instance = await this.start(settings);
    await eventually('connected', () => this.discord.counters.connections > before && instance.chat.leads > 0);
    await eventually(
      'ready',
      () => this.discord.sessions().some(({ connected }) => connected) && instance.ingress.health().ok,
    );
    return instance;
  }
}

function createFakeChat(platform: ChatPlatform, isDead: () => boolean): { fake: FakeChat; chat: Chat } {
  const fake: FakeChat = {
    ...{ platform, incoming: [], completions: [], leads: 0 },
    said: () =>
      fake.incoming.map((each) =>
        each.kind === 'text' ? each.text : each.kind === 'command' ? each.verb : each.button,
      ),
    onHandle: async () => {},
    onComplete: async () => [],
  };
  const chat: Chat = {
    name: 'chat',
    async start() {},
    async quiesce() {},
    async stop() {},
    health: () => ({ ok: true }),
    async handle(incoming) {
      if (isDead()) return new Promise(() => {});
      fake.incoming.push(incoming);
      await fake.onHandle(incoming);
    },
    async complete(completion) {
      fake.completions.push(completion);
      return fake.onComplete(completion);
    },
    async lead(signal) {
      fake.leads += 1;
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    },
  };
  return { fake, chat };
}

export const never: AbortSignal = new AbortController().signal;

export const plainMessage: ChatMessage = { tone: 'success', title: 'done' };

export function answerOf(incoming: Incoming): Answer {
  if (!incoming.answer) throw new Error('it has no answer');
  return incoming.answer;
}
