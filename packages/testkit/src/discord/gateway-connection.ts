import { GatewayCloseCodes as Close, GatewayIntentBits, GatewayOpcodes as Op } from 'discord-api-types/v10';
import type { WebSocket } from 'ws';
import { type Fields, isFields } from './form.ts';
import type { Session } from './gateway-session.ts';
import { createWire, type Wire } from './gateway-wire.ts';
import type { PrivilegedIntent } from './options.ts';
import type { Settings } from './settings.ts';

/** What a connection asks of the gateway behind it. */
export interface ConnectionDeps {
  readonly settings: Settings;
  token(): string;
  /** Heartbeats are not answered while this is true. */
  isDeaf(): boolean;
  /** @returns the new session, or none when the client begins too often; the connection is then told so */
  identify(wire: Wire, request: IdentifyRequest): Session | undefined;
  /** @returns the session, or how the attempt ends */
  resume(wire: Wire, request: ResumeRequest): Session | 'invalid-session' | 'invalid-seq';
  /** The socket is closed, by `code`. */
  closed(wire: Wire, session: Session | undefined, code: number): void;
}

export interface IdentifyRequest {
  readonly intents: number;
  readonly shard: readonly [id: number, count: number];
}

export interface ResumeRequest {
  readonly sessionId: string;
  readonly seq: number;
}

const knownIntents = Object.values(GatewayIntentBits)
  .filter((bits) => typeof bits === 'number')
  .reduce((all, bits) => all | bits, 0);
const privileged: readonly PrivilegedIntent[] = ['GuildMembers', 'GuildPresences', 'MessageContent'];
/** Payloads a client may send once it has a session, and that change nothing here. */
const accepted: readonly unknown[] = [Op.PresenceUpdate, Op.VoiceStateUpdate, Op.RequestGuildMembers];
const maxBytes = 4096;

/** One client's side of the protocol. https://discord.com/developers/docs/events/gateway#connection-lifecycle */
export function serveConnection(socket: WebSocket, compression: 'zlib-stream' | undefined, deps: ConnectionDeps): Wire {
  const { settings } = deps;
  const wire = createWire(socket, compression);
  let session: Session | undefined;
  const sentAt: number[] = [];
  const silence = setTimeout(
    () => wire.close(Close.SessionTimedOut, 'SessionTimedOut'),
    settings.timing.heartbeat * 1.5,
  );

  // A session that was invalidated or taken elsewhere is not this connection's any more.
  const isKnown = (): boolean => session?.wire === wire;
  const identify = (d: Fields): Close | undefined => {
    if (isKnown()) return Close.AlreadyAuthenticated;
    const request = readIdentify(d, deps);
    if (typeof request === 'number') return request;
    session = deps.identify(wire, request);
    return undefined;
  };
  const resume = (d: Fields): Close | undefined => {
    if (isKnown()) return Close.AlreadyAuthenticated;
    if (d['token'] !== deps.token()) return Close.AuthenticationFailed;
    if (typeof d['session_id'] !== 'string' || typeof d['seq'] !== 'number') return Close.DecodeError;
    const outcome = deps.resume(wire, { sessionId: d['session_id'], seq: d['seq'] });
    if (outcome === 'invalid-seq') return Close.InvalidSeq;
    if (outcome === 'invalid-session') wire.send({ op: Op.InvalidSession, d: false, s: null, t: null });
    else session = outcome;
    return undefined;
  };
  const beat = (): undefined => {
    silence.refresh();
    if (!deps.isDeaf()) wire.send({ op: Op.HeartbeatAck, d: null, s: null, t: null });
  };
  /** @returns the code to close with, if something is wrong */
  const receive = ({ op, d }: Fields): Close | undefined => {
    if (op === Op.Heartbeat) return beat();
    if (op === Op.Identify) return identify(isFields(d) ? d : {});
    if (op === Op.Resume) return resume(isFields(d) ? d : {});
    if (!isKnown()) return Close.NotAuthenticated;
    return accepted.includes(op) ? undefined : Close.UnknownOpcode;
  };
  const isTooFast = (): boolean => {
    const now = Date.now();
    sentAt.push(now);
    while ((sentAt[0] ?? now) < now - 60_000) sentAt.shift();
    return sentAt.length > settings.limits.gatewaySends;
  };
  socket.on('message', (data: Buffer) => {
    const payload = data.length > maxBytes ? undefined : parsed(data);
    const wrong = isTooFast() ? Close.RateLimited : payload ? receive(payload) : Close.DecodeError;
    if (wrong !== undefined) wire.close(wrong, Close[wrong]);
  });
  socket.on('error', () => {});
  socket.on('close', (code) => {
    clearTimeout(silence);
    deps.closed(wire, session, code);
  });
  wire.send({ op: Op.Hello, d: { heartbeat_interval: settings.timing.heartbeat, _trace: [] }, s: null, t: null });
  return wire;
}

function parsed(data: Buffer): Fields | undefined {
  try {
    const payload: unknown = JSON.parse(data.toString());
    return isFields(payload) ? payload : undefined;
  } catch {
    return undefined;
  }
}

/** @returns what is asked for, or the close code for it */
function readIdentify(d: Fields, { settings, token }: ConnectionDeps): IdentifyRequest | Close {
  if (!isFields(d['properties'])) return Close.DecodeError;
  if (d['token'] !== token()) return Close.AuthenticationFailed;
  const { intents } = d;
  if (typeof intents !== 'number' || (intents & ~knownIntents) !== 0) return Close.InvalidIntents;
  const withheld = privileged.filter((name) => !settings.grantedIntents.includes(name));
  if (withheld.some((name) => intents & GatewayIntentBits[name])) return Close.DisallowedIntents;
  const [id, count]: readonly unknown[] = Array.isArray(d['shard']) ? d['shard'] : [0, 1];
  if (typeof id !== 'number' || typeof count !== 'number' || !(id >= 0 && id < count)) return Close.InvalidShard;
  return { intents, shard: [id, count] };
}
