import type { Chat, ChatPlatform, Usage } from '@moltbot/chat';
import type { Clock, DiscordConfig, Logger, Registry, Service } from '@moltbot/shared';
import { createLeadership, type Store } from '@moltbot/store';
import { GatewayIntentBits } from 'discord-api-types/v10';
import { createGateway, type GatewayTiming, gatewayTiming } from './gateway/gateway.ts';
import { createIdentifyBudget } from './gateway/identify-budget.ts';
import { createIngressMetrics } from './ingress-metrics.ts';
import { createDiscordPlatform } from './rest/discord-platform.ts';
import { createDiscordRest } from './rest/discord-rest.ts';
import { createLimits } from './rest/limits.ts';
import { serveTerm, type TermTiming, termTiming } from './serve-term.ts';

export interface DiscordIngressDeps {
  /** Of the bot, in the configuration. */
  readonly name: string;
  readonly config: DiscordConfig;
  readonly store: Store;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Logger;
  /** What the bot says and does; started and stopped with the ingress. */
  chat(platform: ChatPlatform): Chat;
  /** The commands of a tenant, as Discord offers them. */
  usages(tenant: string): readonly Usage[];
  readonly timing?: Partial<GatewayTiming & TermTiming>;
}

/** An interaction is answered within three seconds: the next instance has to be there before. */
const leaseMs = 1_500;
const requestMs = 10_000;

/**
 * One bot of Discord. Any number of instances may run: one leads and is connected; when it is gone, another goes on with its session
 * within the lease and a second, and is told what came meanwhile.
 */
export function createDiscordIngress(deps: DiscordIngressDeps): Service {
  const { name, config, store, registry, clock } = deps;
  const prefix = `discord.${name}`;
  const log = deps.log.child({ platform: 'discord', account: name });
  const timing = { ...gatewayTiming, ...termTiming, ...deps.timing };
  const limits = createLimits();
  const rest = createDiscordRest({ api: config.api, token: config.token, timeoutMs: requestMs, onLimit: limits.see });
  const platform = createDiscordPlatform({ account: name, api: config.api, limits: limits.current, rest });
  const chat = deps.chat(platform);
  const metrics = createIngressMetrics(registry, name, () => leadership.isLeading());
  // One place for what belongs to no tenant alone.
  const tenant = Object.values(config.guilds)[0]?.tenant ?? config.directMessages ?? 'default';
  const record = (kind: string, id: string) => ({ tenant, kind, id });
  const budget = createIdentifyBudget({
    store,
    clock,
    spacingMs: timing.identifyEvery,
    name: record('chat.identifies', prefix),
  });
  const { token } = config;
  const gateway = createGateway({
    ...{ token, rest, budget, clock, log, timing, intents: intentsOf(config) },
    onConnect: metrics.connected,
  });
  let idle = async (): Promise<void> => {};
  const leadership = createLeadership({
    ...{ name: prefix, store, clock, log, leaseMs },
    async lead(term) {
      const reception = await serveTerm(term, {
        ...{ prefix, config, chat, store, rest, gateway, metrics, clock, log, timing, record },
        usages: deps.usages,
      });
      idle = reception.idle;
    },
  });
  let isStarted = false;

  return {
    name: `discord-ingress.${name}`,
    async start() {
      isStarted = true;
      await chat.start();
      await leadership.start();
    },
    async quiesce(force) {
      await leadership.quiesce(force);
      const forced = new Promise<void>((resolve) => {
        if (force.aborted) resolve();
        else force.addEventListener('abort', () => resolve(), { once: true });
      });
      await Promise.race([idle(), forced]);
      await chat.quiesce(force);
    },
    async stop() {
      await leadership.stop();
      if (isStarted) await chat.stop();
      isStarted = false;
      rest.close();
    },
    health: gateway.health,
  };
}

const { Guilds, GuildMessages, DirectMessages, MessageContent } = GatewayIntentBits;

const intentsOf = ({ messageContent }: DiscordConfig): number =>
  Guilds | GuildMessages | DirectMessages | (messageContent ? MessageContent : 0);
