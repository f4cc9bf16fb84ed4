import type { Bus } from '@moltbot/bus';
import { createChat } from '@moltbot/chat';
import type { Intake } from '@moltbot/intake';
import type { ScheduleDesk } from '@moltbot/schedules';
import {
  type Clock,
  type Config,
  composeServices,
  type LarkConfig,
  type Logger,
  type Registry,
  type Service,
} from '@moltbot/shared';
import type { Store } from '@moltbot/store';
import { createLarkApi } from './lark-api.ts';
import { createLarkIngress } from './lark-ingress.ts';
import { createLarkPlatform } from './lark-platform.ts';

export interface LarkBotsDeps {
  readonly config: Pick<Config, 'platforms'>;
  readonly store: Store;
  readonly bus: Bus;
  readonly intake: Intake;
  readonly schedules: ScheduleDesk;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Every bot of Lark in the configuration, each with its chat. */
export const createLarkBots = (deps: LarkBotsDeps): readonly Service[] =>
  Object.entries(deps.config.platforms.lark).map(([name, config]) => createBot(name, config, deps));

function createBot(name: string, config: LarkConfig, deps: LarkBotsDeps): Service {
  const { store, bus, intake, schedules, registry, clock } = deps;
  const log = deps.log.child({ platform: 'lark', account: name });
  const api = createLarkApi(config, log);
  const chat = createChat({
    ...{ store, bus, intake, schedules, registry, clock, log, platform: createLarkPlatform({ name, api, clock, log }) },
    ...{ config: deps.config.platforms, tenants: [config.tenant], rolesOf: () => config.groups },
  });
  const ingress = createLarkIngress({ name, config, api, chat, store, registry, clock, log });
  return composeServices(`lark.${name}`, [chat, ingress]);
}
