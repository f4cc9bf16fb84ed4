import type { Ice } from '../stand-in/ice.ts';
import { createCallbacks } from './callbacks.ts';
import { type CardEntities, createCardEntities } from './card-entities.ts';
import { type Connections, createConnections } from './connections.ts';
import { type Counters, createCounters } from './counters.ts';
import { createDeliveries, type Deliveries } from './deliveries.ts';
import type { EventFaults } from './event-faults.ts';
import { createEvents, type Events } from './events.ts';
import { createFiles, type Files } from './files.ts';
import { createMessageContent } from './message-content.ts';
import { createMessages, type Messages } from './messages.ts';
import { createOpenRoutes, type OpenRoute } from './open-routes.ts';
import { createPeople, type People } from './people.ts';
import { createCardkitRoutes } from './rest-cardkit.ts';
import { createDirectoryRoutes } from './rest-directory.ts';
import { createFileRoutes } from './rest-files.ts';
import { createHistoryRoutes } from './rest-history.ts';
import { createInteractiveRoutes } from './rest-interactive.ts';
import { createMessageRoutes } from './rest-messages.ts';
import type { Route } from './router.ts';
import type { Settings } from './settings.ts';
import { createTokens, type Tokens } from './tokens.ts';
import { createWindows, type Windows } from './windows.ts';
import { createWorld, type World } from './world.ts';

/** All that there is behind the port. */
export interface Platform {
  readonly settings: Settings;
  readonly world: World;
  readonly counters: Counters;
  readonly tokens: Tokens;
  readonly windows: Windows;
  readonly messages: Messages;
  readonly files: Files;
  readonly entities: CardEntities;
  readonly connections: Connections;
  readonly deliveries: Deliveries;
  readonly events: Events;
  readonly people: People;
  readonly routes: readonly Route[];
  readonly openRoutes: readonly OpenRoute[];
}

interface Outside {
  /** `ws://127.0.0.1:port` */
  url(): string;
  readonly ice: Ice;
  /** Nothing is sent to apps while one of them is frozen. */
  readonly gates: readonly Ice[];
  readonly faults: EventFaults;
}

export function createPlatform(settings: Settings, { url, ice, gates, faults }: Outside): Platform {
  const counters = createCounters();
  const world = createWorld(settings);
  const tokens = createTokens(settings.timing.token);
  const windows = createWindows();
  const messages = createMessages();
  const files = createFiles();
  const entities = createCardEntities(settings, messages);
  const connections = createConnections({ settings, world, counters, ice, url });
  const deliveries = createDeliveries({ settings, connections, counters, faults, gates });
  const events = createEvents(deliveries, world);
  const content = createMessageContent({ settings, world, files, entities });
  const callbacks = createCallbacks({ settings, events, messages, content, entities });
  const people = createPeople({ world, messages, files, events, callbacks });
  const deps = { settings, world, messages, content, windows, counters };
  const routes: readonly Route[] = [
    ...createMessageRoutes(deps),
    ...createHistoryRoutes(deps),
    ...createFileRoutes({ settings, messages, files }),
    ...createCardkitRoutes({ ...deps, entities }),
    ...createInteractiveRoutes(callbacks),
    ...createDirectoryRoutes(world),
  ];
  const openRoutes = createOpenRoutes({ world, tokens, connections, counters });
  return {
    ...{ settings, world, counters, tokens, windows, messages, files, entities },
    ...{ connections, deliveries, events, people, routes, openRoutes },
  };
}
