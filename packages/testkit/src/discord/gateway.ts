import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { GatewayCloseCodes as Close, GatewayIntentBits as Intent, GatewayOpcodes as Op } from 'discord-api-types/v10';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Changes } from './changes.ts';
import type { Counters } from './counters.ts';
import { serveConnection } from './gateway-connection.ts';
import { dispatchOf, type FeedEvent, feedOf, wants } from './gateway-feed.ts';
import { createIdentifyBudget, type IdentifyBudget } from './gateway-identify.ts';
import { createSession, type Session } from './gateway-session.ts';
import type { Wire } from './gateway-wire.ts';
import type { Guild } from './model.ts';
import { guildCreatePayload } from './payloads.ts';
import type { Settings } from './settings.ts';
import type { Token } from './token.ts';
import type { World } from './world.ts';

/** The gateway, version 10 with JSON. https://discord.com/developers/docs/events/gateway */
export interface Gateway {
  /** Takes the upgrade of an HTTP connection. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  readonly budget: IdentifyBudget;
  sessions(): readonly Session[];
  wires(): readonly Wire[];
  /** Op 9 for every session; those that cannot be resumed are gone. */
  invalidate(resumable: boolean): void;
  /** Loses every session without a word. */
  forgetSessions(): void;
  /** Leaves heartbeats unanswered. */
  setDeaf(deaf: boolean): void;
  /** New connections are held from their first byte on. */
  setHeld(held: boolean): void;
  stop(): void;
}

export interface GatewayDeps {
  readonly settings: Settings;
  readonly world: World;
  readonly changes: Changes;
  readonly counters: Counters;
  readonly token: Token;
  /** The address clients resume at. */
  url(): string;
  /** How often an event is dispatched; 1 unless something is to go wrong. */
  timesOf(event: string): number;
}

export function createGateway(deps: GatewayDeps): Gateway {
  const { settings, world, counters, token } = deps;
  const server = new WebSocketServer({ noServer: true });
  const wires = new Set<Wire>();
  const sessions = new Map<string, Session>();
  const budget = createIdentifyBudget(settings);
  let deaf = false;
  let held = false;

  const dispatch = (event: FeedEvent): void => {
    const times = deps.timesOf(event.t);
    for (const session of [...sessions.values()]) {
      if (session.isOver()) sessions.delete(session.id);
      else if (wants(session, event)) {
        for (let time = 0; time < times; time += 1) session.dispatch(dispatchOf(event, session));
      }
    }
  };
  const stopListening = deps.changes.listen((change) => {
    const event = feedOf(change, world);
    if (event) dispatch(event);
  });
  const endAll = (): void => {
    counters.tokenResets += 1;
    token.reset();
    budget.reset();
    sessions.clear();
    for (const wire of wires) wire.close(Close.AuthenticationFailed, 'Authentication failed.');
  };
  const refuseSession = (wire: Wire): undefined => {
    counters.invalidSessions += 1;
    wire.send({ op: Op.InvalidSession, d: false, s: null, t: null });
  };
  const begin = (wire: Wire, intents: number, shard: readonly [number, number]): Session => {
    const session = createSession({ wire, intents, shard }, settings);
    sessions.set(session.id, session);
    const guilds = world.guilds.filter(({ id }) => isOfShard(id, shard));
    session.dispatch({ t: 'READY', d: readyPayload(session, guilds, deps) });
    if (intents & Intent.Guilds) for (const guild of guilds) welcome(session, guild, world);
    return session;
  };

  const serve = (socket: WebSocket, compression: 'zlib-stream' | undefined): void => {
    counters.connections += 1;
    const wire = serveConnection(socket, compression, {
      settings,
      token: token.current,
      isDeaf: () => deaf,
      identify(from, { intents, shard }) {
        counters.identifies += 1;
        const outcome = budget.take(shard[0]);
        if (outcome === 'granted') return begin(from, intents, shard);
        return outcome === 'throttled' ? refuseSession(from) : void endAll();
      },
      resume(from, { sessionId, seq }) {
        counters.resumes += 1;
        const session = sessions.get(sessionId);
        if (session && seq > session.seq) {
          sessions.delete(sessionId);
          return 'invalid-seq';
        }
        const missed = session?.isOver() ? undefined : session?.eventsAfter(seq);
        if (!session || !missed) {
          sessions.delete(sessionId);
          counters.invalidSessions += 1;
          return 'invalid-session';
        }
        counters.resumed += 1;
        session.attach(from)?.close(Close.UnknownError, 'Session resumed elsewhere.');
        for (const text of missed) from.sendText(text);
        session.dispatch({ t: 'RESUMED', d: { _trace: [] } });
        return session;
      },
      closed(from, session, code) {
        wires.delete(from);
        if (session?.wire !== from) return;
        session.detach();
        if (code === 1000 || code === 1001) sessions.delete(session.id);
      },
    });
    if (held) wire.hold();
    wires.add(wire);
  };

  return {
    accept(request, socket, head) {
      server.handleUpgrade(request, socket, head, (client) => {
        const { searchParams: query } = new URL(request.url ?? '/', 'http://stand-in');
        const compress = query.get('compress');
        if (query.get('v') !== '10') return client.close(Close.InvalidAPIVersion, 'Invalid API version');
        const understood = query.get('encoding') === 'json' && (compress === null || compress === 'zlib-stream');
        if (!understood) return client.close(Close.DecodeError, 'Only JSON, plain or as zlib-stream');
        return serve(client, compress ?? undefined);
      });
    },
    budget,
    sessions: () => [...sessions.values()].filter((session) => !session.isOver()),
    wires: () => [...wires],
    invalidate(resumable) {
      for (const session of sessions.values()) {
        session.wire?.send({ op: Op.InvalidSession, d: resumable, s: null, t: null });
        session.detach();
      }
      if (!resumable) sessions.clear();
    },
    forgetSessions: () => sessions.clear(),
    setDeaf(next) {
      deaf = next;
    },
    setHeld(next) {
      held = next;
      for (const wire of wires) next ? wire.hold() : wire.release();
    },
    stop() {
      stopListening();
      for (const wire of wires) wire.cut();
      server.close();
    },
  };
}

const isOfShard = (guildId: string, [id, count]: readonly [number, number]): boolean =>
  Number((BigInt(guildId) >> 22n) % BigInt(count)) === id;

/** https://discord.com/developers/docs/events/gateway-events#ready */
function readyPayload({ id, shard }: Session, guilds: readonly Guild[], { world, url }: GatewayDeps): unknown {
  return {
    v: 10,
    user: { ...world.bot, verified: true, email: null, mfa_enabled: false },
    session_type: 'normal',
    session_id: id,
    resume_gateway_url: url(),
    relationships: [],
    private_channels: [],
    presences: [],
    guilds: guilds.map((guild) => ({ id: guild.id, unavailable: true })),
    application: { id: world.applicationId, flags: 0, flags_new: '0' },
    shard: [...shard],
  };
}

function welcome(session: Session, guild: Guild, world: World): void {
  const channels = world.channels().filter((channel) => channel.guild === guild);
  const allMembers = (session.intents & Intent.GuildMembers) !== 0;
  session.dispatch({ t: 'GUILD_CREATE', d: guildCreatePayload(guild, { world, allMembers, channels }) });
}
