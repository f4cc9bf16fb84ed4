import { randomInt } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { Ice } from '../stand-in/ice.ts';
import { type Connection, serveConnection } from './connection.ts';
import type { Counters } from './counters.ts';
import { type Fields, textOf } from './fields.ts';
import { newEventId } from './ids.ts';
import type { App } from './model.ts';
import type { Settings } from './settings.ts';
import type { World } from './world.ts';

/** The long connections of all apps. */
export interface Connections {
  /** Where a client is to connect. `POST /callback/ws/endpoint` */
  endpoint(body: Fields): object;
  /** Takes an upgrade of the HTTP server. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Those that events go to. */
  of(app: App): readonly Connection[];
  /** The one of the app's connections that an event goes to, at random: there is no broadcast. */
  pick(app: App): Connection | undefined;
  /** Resolves when the app has one. */
  opened(app: App): Promise<void>;
  /** The next answers of the endpoint are this code. */
  failEndpoint(code: number, times: number): void;
  setDeaf(deaf: boolean): void;
  all(): readonly Connection[];
  stop(): void;
}

interface Deps {
  readonly settings: Settings;
  readonly world: World;
  readonly counters: Counters;
  readonly ice: Ice;
  /** `ws://127.0.0.1:port` */
  url(): string;
}

const serviceId = 33554678;
/** For clients that do not ping at once. */
const greetingMs = 250;
const wrongSecret = 514;
const tooMany = 1000040350;
const messages: Readonly<Record<number, string>> = {
  1: 'system busy',
  403: 'forbidden',
  [wrongSecret]: 'app id or app secret is invalid',
  1000040343: 'internal error',
  [tooMany]: 'exceed conn limit',
};

export function createConnections({ settings, world, counters, ice, url }: Deps): Connections {
  const server = new WebSocketServer({ noServer: true });
  const open = new Set<Connection>();
  /** Those that may be sent something: the SDK loses what comes with the handshake, and pings first of all. */
  const greeted = new WeakSet<Connection>();
  const tickets = new Map<string, { readonly app: App; readonly id: string }>();
  const arrivals = new Map<App, PromiseWithResolvers<void>>();
  let failure = { code: 0, times: 0 };
  let deaf = false;
  const openOf = (app: App): Connection[] => [...open].filter((connection) => connection.app === app);
  const of = (app: App): Connection[] => openOf(app).filter((connection) => greeted.has(connection));
  const { reconnectCount, reconnectInterval, reconnectNonce, pingInterval } = settings.connection;
  const config = {
    ReconnectCount: reconnectCount,
    ReconnectInterval: reconnectInterval,
    ReconnectNonce: reconnectNonce,
    PingInterval: pingInterval,
  };

  const codeFor = (app: App | undefined, secret: unknown): number => {
    if (failure.times > 0) {
      failure.times -= 1;
      return failure.code;
    }
    if (!app || app.secret !== secret) return wrongSecret;
    return openOf(app).length >= settings.limits.connections ? tooMany : 0;
  };
  const welcome = (ticket: string): { app: App; id: string } | undefined => {
    const found = tickets.get(ticket);
    tickets.delete(ticket);
    return found;
  };
  return {
    endpoint(body) {
      counters.endpoints += 1;
      const app = world.apps.find(({ id }) => id === textOf(body['AppID']));
      const code = codeFor(app, body['AppSecret']);
      if (code !== 0 || !app) return { code, msg: messages[code] ?? 'error', data: {} };
      const id = newEventId().slice(0, 19);
      const ticket = newEventId();
      tickets.set(ticket, { app, id });
      // The SDK reads the parameters from the whole address: the first one it would not find.
      const query = `fpid=493&aid=552564&device_id=${id}&access_key=${newEventId()}&service_id=${serviceId}&ticket=${ticket}`;
      return { code: 0, msg: '', data: { URL: `${url()}/ws/v2?${query}`, ClientConfig: config } };
    },
    accept(request, socket, head) {
      const ticket = new URL(request.url ?? '/', 'http://stand-in').searchParams.get('ticket') ?? '';
      const begin = async (): Promise<void> => {
        await ice.melted();
        const found = welcome(ticket);
        if (!found) {
          const headers = `handshake-status: ${wrongSecret}\r\nhandshake-msg: invalid ticket\r\n`;
          socket.end(`HTTP/1.1 403 Forbidden\r\n${headers}connection: close\r\n\r\n`);
          return;
        }
        server.handleUpgrade(request, socket, head, (websocket) => {
          const greet = (): void => {
            if (!open.has(connection) || greeted.has(connection)) return;
            greeted.add(connection);
            arrivals.get(found.app)?.resolve();
            arrivals.delete(found.app);
          };
          const connection = serveConnection(websocket, {
            ...{ ...found, serviceId },
            pong: () => (deaf ? undefined : config),
            pinged: () => {
              counters.pings += 1;
              greet();
            },
            closed: (gone) => open.delete(gone),
          });
          open.add(connection);
          counters.connections += 1;
          setTimeout(greet, greetingMs).unref();
        });
      };
      begin().catch(() => socket.destroy());
    },
    of,
    pick(app) {
      const candidates = of(app);
      return candidates[candidates.length === 0 ? 0 : randomInt(candidates.length)];
    },
    async opened(app) {
      if (of(app).length > 0) return;
      const arrival = arrivals.get(app) ?? Promise.withResolvers<void>();
      arrivals.set(app, arrival);
      await arrival.promise;
    },
    failEndpoint(code, times) {
      failure = { code, times };
    },
    setDeaf(next) {
      deaf = next;
    },
    all: () => [...open],
    stop() {
      for (const connection of open) connection.cut();
      for (const arrival of arrivals.values()) arrival.resolve();
    },
  };
}
