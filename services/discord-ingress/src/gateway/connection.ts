import {
  CompressionMethod,
  type CreateWebSocketManagerOptions,
  type SessionInfo,
  WebSocketManager,
  WebSocketShardEvents,
} from '@discordjs/ws';
import type { Secret } from '@moltbot/shared';
import {
  type APIGatewayBotInfo,
  GatewayDispatchEvents,
  type GatewayDispatchPayload,
  GatewayOpcodes,
} from 'discord-api-types/v10';

/** What a connection is resumed with. */
export interface Resumption {
  readonly sessionId: string;
  /** Of the gateway that knows the session. */
  readonly url: string;
  /** The number of the last event that was received: the next ones are sent. */
  sequence(): number;
}

export interface ConnectionSettings {
  readonly token: Secret;
  readonly intents: number;
  /** Of the gateway, where there is no session. */
  readonly url: string;
  /** Of the session that the connection goes on with; undefined begins one, which is an IDENTIFY. */
  resumption(): Resumption | undefined;
  /** In their order. */
  onDispatch(payload: GatewayDispatchPayload): void;
  /** The session cannot be resumed. */
  onLost(): void;
  /** Something came over it. */
  onSign(): void;
}

/** How a connection ended: with the code of its closing, 1006 where there was none. */
export interface ConnectionEnd {
  readonly code: number;
}

export interface Connection {
  readonly ended: Promise<ConnectionEnd>;
  /** It has a session: events come. */
  isReady(): boolean;
  /** Asks for a sign of life: a heartbeat out of turn. */
  probe(): void;
  /** Closes it so that its session can be resumed, by whoever has it. Nothing comes from it any more. */
  leave(): Promise<void>;
}

/** The session stays with codes other than 1000 and 1001. https://discord.com/developers/docs/events/gateway#initiating-a-disconnect */
const resumableClose = { code: 4200, reason: 'handover' } as const;
/** To connect, for HELLO, and for READY. A HELLO that is given up while it still connects would leave a socket without a listener for its error. */
const patienceMs = { handshakeTimeout: 8_000, helloTimeout: 15_000, readyTimeout: 20_000 } as const;
/** A peer that is gone does not close with us. */
const closeWithinMs = 500;

/**
 * One connection to the gateway, from its opening to its end: the library would connect again by itself, at once and for ever, and would
 * drop sessions that can be resumed. Who has opened it decides about the next one.
 */
export function openConnection(settings: ConnectionSettings): Connection {
  const { token, intents, url, onDispatch, onLost, onSign } = settings;
  const ended = Promise.withResolvers<ConnectionEnd>();
  let phase: 'opening' | 'open' | 'ready' | 'over' = 'opening';
  let mayConnect = true;
  const sessionInfo = (): SessionInfo | null => {
    const session = settings.resumption();
    if (!session) return null;
    const { sessionId, url: resumeURL } = session;
    return { sessionId, resumeURL, sequence: session.sequence(), shardId: 0, shardCount: 1 };
  };
  const end = (code: number): void => {
    phase = 'over';
    ended.resolve({ code });
  };
  const manager = new WebSocketManager({
    ...{
      token: token.reveal(),
      intents,
      shardCount: 1,
      shardIds: [0],
      compression: CompressionMethod.ZlibNative,
      ...patienceMs,
    },
    // Asked for the address of the gateway alone, which is given below.
    rest: {} as CreateWebSocketManagerOptions['rest'],
    // Who opens a connection without a session has asked the budget.
    buildIdentifyThrottler: () => ({ waitForIdentify: async () => {} }),
    retrieveSessionInfo() {
      if (phase !== 'opening') return phase === 'over' ? never() : sessionInfo();
      // Asked before each connecting: the second time is the library's own reconnect, after an end of which it told nothing.
      if (!mayConnect) {
        end(1006);
        return never();
      }
      mayConnect = false;
      return sessionInfo();
    },
    updateSessionInfo(_shard, info) {
      // It says so for failures of the network as well; while the connection is open, it is op 9 alone.
      if (info !== null || (phase !== 'open' && phase !== 'ready')) return;
      onLost();
      end(1000);
    },
  });
  manager.fetchGatewayInformation = async () => gatewayAt(url);
  const close = async (): Promise<void> => {
    const closed = Promise.resolve(manager.destroy(resumableClose)).catch(() => {});
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, closeWithinMs))]);
  };
  manager.on(WebSocketShardEvents.Hello, () => {
    if (phase === 'over') return void close();
    phase = 'open';
    return onSign();
  });
  manager.on(WebSocketShardEvents.HeartbeatComplete, onSign);
  manager.on(WebSocketShardEvents.Dispatch, (payload) => {
    if (phase === 'over') return;
    const isBegin = payload.t === GatewayDispatchEvents.Ready || payload.t === GatewayDispatchEvents.Resumed;
    if (isBegin) phase = 'ready';
    onSign();
    onDispatch(payload);
  });
  manager.on(WebSocketShardEvents.Closed, end);
  // With a close, which says what is to be done.
  manager.on(WebSocketShardEvents.SocketError, () => {});
  const leave = async (): Promise<void> => {
    const isOpen = phase === 'open' || phase === 'ready';
    end(resumableClose.code);
    // A socket that still connects is closed when it has: let go now, its failure would have no listener.
    if (isOpen) await close();
  };
  // After a close it repeats what the code says; by itself, what comes can be read no more.
  manager.on(WebSocketShardEvents.Error, () => void leave());
  manager.connect().catch(() => end(1006));

  return {
    ended: ended.promise,
    isReady: () => phase === 'ready',
    probe() {
      if (phase !== 'open' && phase !== 'ready') return;
      const d = settings.resumption()?.sequence() ?? null;
      Promise.resolve(manager.send(0, { op: GatewayOpcodes.Heartbeat, d })).catch(() => {});
    },
    leave,
  };
}

/** What the library waits for does not come: it connects no more. */
const never = (): Promise<never> => new Promise(() => {});

/** It would ask for these itself before every connection, a resumed one too, for which they do not matter. */
const gatewayAt = (url: string): APIGatewayBotInfo => ({
  ...{ url, shards: 1 },
  session_start_limit: { total: 1, remaining: 1, reset_after: 86_400_000, max_concurrency: 1 },
});
