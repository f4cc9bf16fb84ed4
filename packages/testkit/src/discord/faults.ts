import { GatewayOpcodes as Op } from 'discord-api-types/v10';
import type { Ice } from '../stand-in/ice.ts';
import type { Stage } from '../stand-in/request-faults.ts';
import type { Gateway } from './gateway.ts';
import type { RestFault, RestFaults } from './rest-faults.ts';

/** Everything that can go wrong at the platform, on command. Routes are named `POST /channels/:channel/messages`; `*` is all. */
export interface DiscordFaults {
  /** Answers with a status; `after` the work was done when asked so (a message created, then 502). Default 502, once, before. */
  fail(route: string, options?: Repeated & { readonly status?: number }): void;
  /** Leaves requests without an answer, on an open connection. */
  hang(route: string, options?: Repeated): void;
  /** Closes the connection instead of answering. */
  cutRequest(route: string, options?: Repeated): void;
  /** Answers later by so many milliseconds. */
  slow(route: string, ms: number, options?: Repeated): void;
  /** A storm of 429 that no header announced. Default scope `user`. */
  rateLimit(
    route: string,
    options: Repeated & { readonly retryAfterMs: number; readonly scope?: RateLimitScope },
  ): Storm;
  /** Nothing is read, written or closed, neither REST nor gateway, until `thaw`. */
  freeze(): void;
  thaw(): void;
  /** Closes every connection and the port; nothing gets in until `online`. Sessions go on aging. */
  offline(): Promise<void>;
  online(): Promise<void>;
  /** `offline` and `online`. Default: sessions are lost. */
  restart(options?: { readonly keepSessions?: boolean }): Promise<void>;
  /** Ends every gateway connection: by a close code, or without a word. */
  cut(options?: { readonly code?: number; readonly reason?: string }): void;
  /** Op 7. */
  reconnect(): void;
  /** Op 9; when it is not resumable the sessions are gone. */
  invalidate(options: { readonly resumable: boolean }): void;
  /** Op 1: the client is to send a heartbeat at once. */
  askForHeartbeat(): void;
  /** Leaves heartbeats unanswered, as a zombie connection does. */
  ignoreHeartbeats(ignore: boolean): void;
  /** Ends the sessions, so that a RESUME meets op 9. */
  forgetSessions(): void;
  /** The next events of a kind (`MESSAGE_CREATE`) reach nobody. Default: one. */
  dropDispatch(event: string, times?: number): void;
  /** The next events of a kind are sent twice. Default: one. */
  repeatDispatch(event: string, times?: number): void;
  /** Ends all faults of routes and dispatches, `freeze` and `ignoreHeartbeats`. */
  clear(): void;
}

/** Refusals that were ordered. */
export interface Storm {
  /** How many there were so far. */
  given(): number;
  end(): void;
}

export interface Repeated {
  /** Default 1. */
  readonly times?: number;
  /** After the work was done, before it is answered. Default false. */
  readonly after?: boolean;
}

export type RateLimitScope = 'user' | 'shared' | 'global';

export interface FaultDeps {
  readonly gateway: Gateway;
  readonly rest: RestFaults;
  readonly dispatches: DispatchFaults;
  readonly ice: Ice;
  close(): Promise<void>;
  open(): Promise<void>;
}

export function createFaults({ gateway, rest, dispatches, ice, close, open }: FaultDeps): DiscordFaults {
  const add = (route: string, what: RestFault['what'], { times = 1, after = false }: Repeated = {}): RestFault => {
    const stage: Stage = after ? 'after' : 'before';
    const fault = { route, what, times, stage };
    rest.add(fault);
    return fault;
  };
  const tell = (payload: { readonly op: Op; readonly d: unknown }): void => {
    for (const { wire } of gateway.sessions()) wire?.send({ ...payload, s: null, t: null });
  };
  const setFrozen = (frozen: boolean): void => {
    if (frozen) ice.freeze();
    else ice.thaw();
    gateway.setHeld(frozen);
  };
  return {
    fail: (route, options) => add(route, { kind: 'status', status: options?.status ?? 502 }, options),
    hang: (route, options) => add(route, { kind: 'hang' }, options),
    cutRequest: (route, options) => add(route, { kind: 'cut' }, options),
    slow: (route, ms, options) => add(route, { kind: 'slow', ms }, options),
    rateLimit: (route, { retryAfterMs, scope = 'user', ...options }) =>
      stormOf(add(route, { kind: 'rate-limit', retryAfterMs, scope }, options)),
    freeze: () => setFrozen(true),
    thaw: () => setFrozen(false),
    offline: close,
    online: open,
    async restart({ keepSessions = false } = {}) {
      await close();
      if (!keepSessions) gateway.forgetSessions();
      await open();
    },
    cut({ code, reason } = {}) {
      for (const wire of gateway.wires()) code === undefined ? wire.cut() : wire.close(code, reason);
    },
    reconnect: () => tell({ op: Op.Reconnect, d: null }),
    invalidate: ({ resumable }) => gateway.invalidate(resumable),
    askForHeartbeat: () => tell({ op: Op.Heartbeat, d: null }),
    ignoreHeartbeats: gateway.setDeaf,
    forgetSessions: gateway.forgetSessions,
    dropDispatch: (event, times = 1) => dispatches.set(event, { copies: 0, times }),
    repeatDispatch: (event, times = 1) => dispatches.set(event, { copies: 2, times }),
    clear() {
      rest.clear();
      dispatches.clear();
      gateway.setDeaf(false);
      setFrozen(false);
    },
  };
}

function stormOf(fault: RestFault): Storm {
  const ordered = fault.times;
  let before = 0;
  return {
    given: () => before + ordered - fault.times,
    end() {
      before -= fault.times;
      fault.times = 0;
    },
  };
}

/** How often the next events of a kind are sent. */
export interface DispatchFaults {
  set(event: string, fault: { readonly copies: number; readonly times: number }): void;
  timesOf(event: string): number;
  clear(): void;
}

export function createDispatchFaults(): DispatchFaults {
  const faults = new Map<string, { readonly copies: number; times: number }>();
  return {
    set: (event, fault) => void faults.set(event, { ...fault }),
    timesOf(event) {
      const fault = faults.get(event);
      if (!fault) return 1;
      fault.times -= 1;
      if (fault.times <= 0) faults.delete(event);
      return fault.copies;
    },
    clear: () => faults.clear(),
  };
}
