import { type Bus, createEmbeddedBus } from '@moltbot/bus';
import { createIntake, type Intake, type IntakeDeps } from '@moltbot/intake';
import { type AnyAction, defineAction } from '@moltbot/plugin-sdk';
import { createScheduleDesk } from '@moltbot/schedules';
import {
  type AliasConfig,
  type Clock,
  createLogger,
  createRegistry,
  type Logger,
  MoltError,
  type Registry,
  silentLogger,
  systemClock,
} from '@moltbot/shared';
import { createSqliteStore, type Store } from '@moltbot/store';
import { expect, onTestFinished } from 'vitest';
import { z } from 'zod';
import { type Chat, createChat } from '../src/chat.ts';
import { type ChatDesk, createChatDesk } from '../src/desk.ts';
import type { Answer, Incoming, IncomingBase } from '../src/incoming.ts';
import type { ChatMessage } from '../src/message.ts';
import type { ChatPlatform, PlatformLimits } from '../src/platform.ts';
import { createFakePlatform, type FakeMessage, type FakePlatform } from './fake-platform.ts';
import { startExecutor } from './lab-executor.ts';
import { createDeafening, createLabStore, createLife, type StoreHooks } from './lab-process.ts';

export const soon = { timeout: 15_000, interval: 5 } as const;
export const place = { guild: 'g1', channel: 'c1' } as const;

export interface ChatLabOptions {
  readonly limits?: Partial<PlatformLimits>;
  readonly aliases?: readonly AliasConfig[];
  readonly staleAfterMs?: number;
  /** Requests of a principal. */
  readonly requests?: { readonly perSecond: number; readonly burst: number };
  readonly log?: Logger;
}

/** One process: what it calls can be made to hang for ever (killed), or until it goes on (frozen). */
export interface Instance {
  readonly chat: Chat;
  readonly registry: Registry;
  /** Begins to lead. @returns how to end that, as a process that lives does */
  lead(): () => Promise<void>;
  handle(incoming: Incoming): Promise<void>;
  kill(): void;
  freeze(): void;
  thaw(): void;
}

/** Whole flows: chats over one store, bus and platform, with a real door and an executor that ends runs. */
export interface ChatLab extends StoreHooks {
  readonly platform: FakePlatform;
  readonly store: Store;
  readonly bus: Bus;
  readonly clock: Clock & { advance(ms: number): void };
  readonly desk: ChatDesk;
  /** Commands that were run, once a run. */
  readonly ran: readonly { readonly command: string; readonly taskId: string; readonly principal: string }[];
  /** As the executor sees to it: `hold` waits for it. */
  release(): void;
  /** `before`: calls fail; `after`: they are done, and fail. */
  setStore(state: 'up' | 'before' | 'after'): void;
  setBus(state: 'ready' | 'blocked' | 'connecting'): void;
  /** All that was in the store is gone. */
  emptyStore(): Promise<void>;
  instance(): Promise<Instance>;
  /** Says it as somebody who is linked, to the first instance. */
  link(actor: string, tenant?: string): Promise<void>;
  /** What stands on the platform now, of what is not deleted. */
  said(): readonly { readonly id: string; readonly text: string; readonly message: FakeMessage }[];
  openPosts(): Promise<number>;
}

const targetOf = (name: string, tenant: string) =>
  ({ name, labels: { env: 'test' }, pool: 'default', tenant, transport: 'local' }) as const;

const tenants = { acme: { apiKeys: [] }, other: { apiKeys: [] } };

const shellRun = defineAction({
  name: 'shell.run',
  summary: 'Runs a command.',
  args: z.strictObject({ command: z.string() }),
  effects: 'by-exec',
  run: ({ args, exec }) => exec(args),
});
const risky = (name: string, confirm: 'asker' | 'other') =>
  defineAction({
    ...{ name, summary: 'Asks first.', effects: 'by-exec', confirm },
    args: z.strictObject({ version: z.string().default('1') }),
    run: ({ exec }) => exec({ command: 'true' }),
  });
const actions: readonly AnyAction[] = [risky('risky.deploy', 'asker'), risky('risky.drop', 'other'), shellRun];

function createLabClock(): ChatLab['clock'] {
  let offset = 0;
  return {
    now: () => Math.floor(systemClock.now() + offset),
    monotonic: () => systemClock.monotonic() + offset,
    sleep: systemClock.sleep,
    advance: (ms) => {
      offset += ms;
    },
  };
}

export async function openChatLab(options: ChatLabOptions = {}): Promise<ChatLab> {
  const clock = createLabClock();
  const log = options.log ?? silentLogger;
  const platform = createFakePlatform({ editEveryMs: 10, ...options.limits });
  const own = await createLabStore(clock);
  const { store } = own;
  const letters = createSqliteStore({ file: ':memory:', retention: { tasksMs: 1, outputMs: 1 }, log: silentLogger });
  await letters.start();
  const embedded = createEmbeddedBus({ journal: letters.journal, log: silentLogger, delays: { '5s': 30 } });
  await embedded.start();
  let busState: ReturnType<Bus['state']> = 'ready';
  const bus = new Proxy(embedded, {
    get(target, name) {
      if (name === 'state') return () => busState;
      if (name === 'publish' && busState !== 'ready') return async () => 'unknown';
      const call = Reflect.get(target, name) as unknown;
      return typeof call === 'function' ? call.bind(target) : call;
    },
  });
  const executor = await startExecutor(embedded, store, Object.keys(tenants));
  onTestFinished(async () => {
    own.set('up');
    await embedded.stop();
    await own.stop();
    await letters.stop();
  });
  const config: IntakeDeps['config'] = {
    tenants,
    targets: [targetOf('web-1', 'acme'), targetOf('web-2', 'acme'), targetOf('web-1', 'other')],
    limits: { requests: options.requests ?? { perSecond: 1_000, burst: 1_000 }, targetsPerTask: 100 },
    executor: {
      ...{ pool: 'default', slots: 4, ops: { host: '127.0.0.1', port: 0 }, outputCapBytes: 1_000_000 },
      ...{ timeouts: { connectMs: 15_000, idleMs: 0, totalMs: 3_600_000, queueMs: 86_400_000 }, watchAfterMs: 600_000 },
    },
    guard: { directory: '~/.moltbot', retentionMs: 259_200_000 },
    callbacks: { allow: [], timeoutMs: 10_000, giveUpAfterMs: 86_400_000 },
  };
  const findAction = (name: string) => actions.find((action) => action.name === name);
  const plugins: IntakeDeps['plugins'] = { plugins: [], actions, findAction, notifiers: [] };
  const desk = createChatDesk({ store, clock, log });

  const instance = async (): Promise<Instance> => {
    const life = createLife();
    const deaf = createDeafening(bus);
    const ours = {
      store: life.mortal(store),
      bus: life.mortal(deaf.bus),
      platform: life.mortal<ChatPlatform>(platform),
    };
    const intake: Intake = createIntake({ ...ours, config, plugins, registry: createRegistry('lab'), clock, log });
    await intake.start();
    const schedules = createScheduleDesk({ ...ours, intake, calendars: new Map(), channels: {}, clock, log });
    const registry = createRegistry('lab');
    const chat = createChat({
      ...{ ...ours, intake, schedules, clock, log, registry, tenants: ['acme', 'other'] },
      config: { aliases: options.aliases ?? [], staleAfterMs: options.staleAfterMs ?? 300_000 },
      rolesOf: () => ['operators'],
    });
    await chat.start();
    let isDead = false;
    onTestFinished(async () => {
      if (isDead) return;
      life.thaw();
      await chat.stop();
      await intake.stop();
    });
    return {
      chat,
      registry,
      lead() {
        const over = new AbortController();
        const leading = chat.lead(over.signal);
        const end = async (): Promise<void> => {
          over.abort(new Error('leads no more'));
          if (!isDead) await leading;
        };
        onTestFinished(end);
        return end;
      },
      handle: (incoming) => chat.handle(incoming),
      kill() {
        isDead = true;
        life.kill();
        deaf.end();
      },
      freeze: life.freeze,
      thaw: life.thaw,
    };
  };
  return {
    ...{ platform, store, bus, clock, desk, instance, ran: executor.ran, release: executor.release },
    get onStore() {
      return own.hooks.onStore;
    },
    set onStore(hook) {
      own.hooks.onStore = hook;
    },
    setStore: own.set,
    emptyStore: own.empty,
    setBus(state) {
      busState = state;
    },
    async link(actor, tenant = 'acme') {
      const value = JSON.stringify({ name: actor, linked: actor });
      await store.putRecord({ tenant, kind: 'chat.people', id: `discord:main:${actor}` }, value);
    },
    said: () =>
      platform.standing().map((message) => ({ id: message.id, text: textOf(message.versions.at(-1)), message })),
    async openPosts() {
      const pages = ['acme', 'other'].map((tenant) =>
        store.listRecords({ tenant, kind: 'chat.posts.discord.main' }, { limit: 1_000 }),
      );
      return (await Promise.all(pages)).flatMap(({ records }) => records).length;
    },
  };
}

export const textOf = (message: ChatMessage | undefined): string =>
  message === undefined
    ? ''
    : [message.title, ...(message.text ?? []), ...(message.code ?? []).map(({ text }) => text), message.footer]
        .filter((part) => part !== undefined)
        .join('\n');

/** The next event that is handled is not noted as that: its process is killed right before. */
export async function diesUnnoted(lab: ChatLab, incoming: Incoming): Promise<void> {
  const one = await lab.instance();
  const dead = Promise.withResolvers<void>();
  lab.onStore = (call, [name, value]) => {
    const isNote =
      call === 'putRecord' && (name as { id?: string }).id === incoming.id && String(value).includes('done');
    if (!isNote) return undefined;
    lab.onStore = () => {};
    one.kill();
    dead.resolve();
    return new Promise(() => {});
  };
  void one.handle(incoming).catch(() => {});
  await dead.promise;
}

let ids = 0;
/** Grows as ids of messages do. */
export const nextId = (): string => String(1_000_000 + ++ids);

export const saidBy = (actor: string, text: string, more: Partial<IncomingBase> = {}): Incoming => {
  const id = more.id ?? nextId();
  return {
    ...{ kind: 'text', id, tenant: 'acme', place, at: Date.now(), text, message: id, attachments: [] },
    actor: { id: actor, name: actor, roles: [] },
    ...more,
  };
};

export const pressedBy = (
  actor: string,
  button: string,
  { message = 'm1', ...more }: Partial<IncomingBase> & { readonly message?: string } = {},
): Incoming => ({
  ...{ kind: 'press', id: nextId(), tenant: 'acme', place, at: Date.now(), button, message },
  actor: { id: actor, name: actor, roles: [] },
  ...more,
});

/** Answers to interactions, as Discord takes them: the first one is the answer, later ones follow it. */
export function createFakeAnswer(): Answer & { readonly whispers: readonly ChatMessage[] } {
  const whispers: ChatMessage[] = [];
  return {
    whispers,
    defer: async () => {
      throw new MoltError('MOLT_CHAT_GONE', 'too late');
    },
    whisper: async (message) => void whispers.push(message),
  };
}

/** A logger, and all that it has written. */
export function createLogbook(): { readonly log: Logger; text(): string } {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  return { log: createLogger({ service: 'lab', level: 'debug', destination }), text: () => lines.join('') };
}

export const until = (what: () => unknown): Promise<void> => expect.poll(what, soon).toBeTruthy();
