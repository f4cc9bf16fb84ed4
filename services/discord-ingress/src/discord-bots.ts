import type { Bus } from '@moltbot/bus';
import { createChat, usageOf } from '@moltbot/chat';
import type { Intake } from '@moltbot/intake';
import type { ScheduleDesk } from '@moltbot/schedules';
import type { Clock, Config, DiscordConfig, Logger, Registry, Service } from '@moltbot/shared';
import type { Store } from '@moltbot/store';
import { createDiscordIngress } from './ingress.ts';

export interface DiscordBotsDeps {
  readonly config: Pick<Config, 'platforms'>;
  readonly store: Store;
  readonly bus: Bus;
  readonly intake: Intake;
  readonly schedules: ScheduleDesk;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Every bot of Discord in the configuration, each with its chat. */
export const createDiscordBots = (deps: DiscordBotsDeps): readonly Service[] =>
  Object.entries(deps.config.platforms.discord).map(([name, config]) => createBot(name, config, deps));

function createBot(name: string, config: DiscordConfig, deps: DiscordBotsDeps): Service {
  const { store, bus, intake, schedules, registry, clock, log } = deps;
  const { aliases } = deps.config.platforms;
  return createDiscordIngress({
    ...{ name, config, store, registry, clock, log },
    usages: (tenant) =>
      usageOf({ actions: intake.actions(), aliases: aliases.filter((alias) => alias.tenant === tenant) }),
    chat: (platform) =>
      createChat({
        ...{ platform, store, bus, intake, schedules, registry, clock, log },
        config: deps.config.platforms,
        tenants: tenantsOf(config),
        rolesOf: ({ place }) => (place.guild === undefined ? [] : (config.guilds[place.guild]?.roles ?? [])),
      }),
  });
}

function tenantsOf({ guilds, directMessages }: DiscordConfig): string[] {
  const tenants = Object.values(guilds).map(({ tenant }) => tenant);
  return [...new Set(directMessages === undefined ? tenants : [...tenants, directMessages])];
}
