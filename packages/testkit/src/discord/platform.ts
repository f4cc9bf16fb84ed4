import { createAccess } from './access.ts';
import { type Changes, createChanges } from './changes.ts';
import { type Commands, createCommands } from './commands.ts';
import { type Counters, createCounters } from './counters.ts';
import { createFiles, type Files } from './files.ts';
import { createGateway, type Gateway } from './gateway.ts';
import { createInteractions, type Interactions } from './interactions.ts';
import { createMessageWriter } from './message-writer.ts';
import { createMessages, type Messages } from './messages.ts';
import { createPeople, type People } from './people.ts';
import { createChannelRoutes } from './rest-channels.ts';
import { createCommandRoutes } from './rest-commands.ts';
import { createGuildRoutes } from './rest-guilds.ts';
import { createInteractionRoutes } from './rest-interactions.ts';
import { createMessageRoutes } from './rest-messages.ts';
import { createWebhookRoutes } from './rest-webhooks.ts';
import { type Route, route } from './router.ts';
import type { Settings } from './settings.ts';
import { createSnowflakes } from './snowflakes.ts';
import { createThreads, type Threads } from './threads.ts';
import { createToken, type Token } from './token.ts';
import { createWorld, type World } from './world.ts';

/** All that there is behind the port. */
export interface Platform {
  readonly settings: Settings;
  readonly world: World;
  readonly changes: Changes;
  readonly counters: Counters;
  readonly token: Token;
  readonly messages: Messages;
  readonly files: Files;
  readonly threads: Threads;
  readonly commands: Commands;
  readonly interactions: Interactions;
  readonly people: People;
  readonly gateway: Gateway;
  readonly routes: readonly Route[];
}

interface Outside {
  /** `http://127.0.0.1:port` */
  url(): string;
  /** How often an event is dispatched. */
  timesOf(event: string): number;
}

export function createPlatform(settings: Settings, { url, timesOf }: Outside): Platform {
  const newId = createSnowflakes();
  const changes = createChanges();
  const counters = createCounters();
  const world = createWorld(settings, newId);
  const token = createToken(settings.token);
  const messages = createMessages({ world, changes, newId });
  const files = createFiles(newId, url);
  const writer = createMessageWriter({ world, messages, files });
  const threads = createThreads({ settings, world, messages, changes, newId });
  const commands = createCommands(settings, { applicationId: world.applicationId, newId });
  const interactions = createInteractions({ settings, world, changes, newId });
  const access = createAccess(world, messages);
  const people = createPeople({ world, messages, files, commands, interactions });
  const gatewayUrl = (): string => url().replace('http', 'ws');
  const gateway = createGateway({ settings, world, changes, counters, token, url: gatewayUrl, timesOf });
  const deps = { settings, world, changes, access, messages, writer };
  const routes: readonly Route[] = [
    route('GET', '/gateway/bot', () => ({
      body: { url: gatewayUrl(), shards: 1, session_start_limit: gateway.budget.limits() },
    })),
    ...createGuildRoutes(deps),
    ...createMessageRoutes(deps),
    ...createChannelRoutes({ ...deps, threads }),
    ...createCommandRoutes({ ...deps, commands }),
    ...createInteractionRoutes({ ...deps, interactions }),
    ...createWebhookRoutes({ ...deps, interactions }),
  ];
  return {
    ...{ settings, world, changes, counters, token, messages, files },
    ...{ threads, commands, interactions, people, gateway, routes },
  };
}
