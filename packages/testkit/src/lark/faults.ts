import type { Ice } from '../stand-in/ice.ts';
import type { Stage } from '../stand-in/request-faults.ts';
import type { Connections } from './connections.ts';
import type { EventFaults } from './event-faults.ts';
import type { App } from './model.ts';
import type { RestFault, RestFaults } from './rest-faults.ts';
import type { Tokens } from './tokens.ts';

/** Everything that can go wrong at the platform, on command. Routes are named `POST /im/v1/messages`; `*` is all. Default: once. */
export interface LarkFaults {
  /** Answers with a status and no JSON; `after` the work was done when asked so (a message sent, then 502). Default 502, before. */
  fail(route: string, options?: Repeated & { readonly status?: number }): void;
  /** Answers with a code of the platform. Default status 400. */
  refuse(route: string, options: Repeated & Refusal): void;
  /** Leaves requests without an answer, on an open connection. */
  hang(route: string, options?: Repeated): void;
  /** Closes the connection instead of answering. */
  cutRequest(route: string, options?: Repeated): void;
  /** Answers later by so many milliseconds. */
  slow(route: string, ms: number, options?: Repeated): void;
  /** A storm of code 99991400. Default status 429; older parts of the platform have 400. */
  rateLimit(route: string, options: Repeated & { readonly resetSeconds: number; readonly status?: 429 | 400 }): Storm;
  /** The next long connections are refused with a code: 1, 403, 514, 1000040343, 1000040350. */
  refuseConnections(code: number, times?: number): void;
  /** Access tokens end at once: of an app, or all. */
  revokeTokens(app?: string): void;
  /** Nothing is read, written or closed, neither HTTP nor long connections, until `thaw`. */
  freeze(): void;
  thaw(): void;
  /** Closes every connection and the port; nothing gets in until `online`. What is said in between is sent then, in a burst. */
  offline(): Promise<void>;
  online(): Promise<void>;
  /** `offline` and `online`. */
  restart(): Promise<void>;
  /** Ends long connections without a word: of an app, or all. @returns how many */
  cut(app?: string): number;
  /** Every long connection that is open stays so, and is dead: nothing comes or goes on it. New ones are well. @returns how many */
  strand(): number;
  /** Leaves pings unanswered. */
  ignorePings(ignore: boolean): void;
  /** Keeps events back, until `releaseEvents` sends them in a burst. */
  holdEvents(): void;
  releaseEvents(): void;
  /** The next events of a type (`im.message.receive_v1`) reach nobody. */
  dropEvents(type: string, times?: number): void;
  /** The next events of a type come twice, with the same content and another event id. */
  repeatEvents(type: string, times?: number): void;
  /** An event that is sent again has another event id. */
  renewEventIds(renew: boolean): void;
  /** Webhooks: the time in the header is no number of seconds. */
  oddTimestamps(odd: boolean): void;
  /** Webhooks: JSON that another serializer would write otherwise. */
  spacedJson(spaced: boolean): void;
  /** Ends all of them but `offline`, `strand` and `cut`. */
  clear(): void;
}

/** Refusals that were ordered. */
export interface Storm {
  /** How many there were so far. */
  given(): number;
  end(): void;
}

export interface Repeated {
  readonly times?: number;
  /** After the work was done, before it is answered. Default false. */
  readonly after?: boolean;
}

export interface Refusal {
  readonly code: number;
  readonly message?: string;
  readonly status?: number;
}

export interface FaultDeps {
  readonly connections: Connections;
  readonly tokens: Tokens;
  readonly rest: RestFaults;
  readonly events: EventFaults;
  readonly ice: Ice;
  readonly outage: Ice;
  readonly hold: Ice;
  appOf(ref: string): App;
  close(): Promise<void>;
  open(): Promise<void>;
}

export function createFaults(deps: FaultDeps): LarkFaults {
  const { connections, tokens, rest, events, ice, outage, hold, appOf } = deps;
  const add = (route: string, what: RestFault['what'], { times = 1, after = false }: Repeated = {}): RestFault => {
    const stage: Stage = after ? 'after' : 'before';
    const fault = { route, what, times, stage };
    rest.add(fault);
    return fault;
  };
  const setFrozen = (frozen: boolean): void => {
    if (frozen) ice.freeze();
    else ice.thaw();
    for (const connection of connections.all()) connection.setHeld(frozen);
  };
  const offline = async (): Promise<void> => {
    outage.freeze();
    await deps.close();
  };
  const online = async (): Promise<void> => {
    await deps.open();
    outage.thaw();
  };
  return {
    fail: (route, options) => add(route, { kind: 'status', status: options?.status ?? 502 }, options),
    refuse: (route, { code, message = 'stand-in fault', status = 400, ...options }) =>
      add(route, { kind: 'refuse', status, code, message }, options),
    hang: (route, options) => add(route, { kind: 'hang' }, options),
    cutRequest: (route, options) => add(route, { kind: 'cut' }, options),
    slow: (route, ms, options) => add(route, { kind: 'slow', ms }, options),
    rateLimit: (route, { resetSeconds, status = 429, ...options }) =>
      stormOf(add(route, { kind: 'rate-limit', resetSeconds, status }, options)),
    refuseConnections: (code, times = 1) => connections.failEndpoint(code, times),
    revokeTokens: (app) => tokens.revoke(app === undefined ? undefined : appOf(app)),
    freeze: () => setFrozen(true),
    thaw: () => setFrozen(false),
    offline,
    online,
    async restart() {
      await offline();
      await online();
    },
    cut(app) {
      const found = app === undefined ? connections.all() : connections.of(appOf(app));
      for (const connection of found) connection.cut();
      return found.length;
    },
    strand() {
      const found = connections.all();
      for (const connection of found) connection.strand();
      return found.length;
    },
    ignorePings: connections.setDeaf,
    holdEvents: hold.freeze,
    releaseEvents: hold.thaw,
    dropEvents: (type, times = 1) => events.setCopies(type, { copies: 0, times }),
    repeatEvents: (type, times = 1) => events.setCopies(type, { copies: 2, times }),
    renewEventIds(renew) {
      events.renewsIds = renew;
    },
    oddTimestamps: events.setOddTimestamps,
    spacedJson: events.setSpaced,
    clear() {
      rest.clear();
      events.clear();
      connections.failEndpoint(0, 0);
      connections.setDeaf(false);
      hold.thaw();
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
