import type { GuardOrder } from '@moltbot/plugin-sdk';
import {
  backoffMs,
  type Clock,
  type GuardConfig,
  hasCode,
  type Logger,
  MoltError,
  type SshConfig,
  type SshTarget,
} from '@moltbot/shared';
import { openResident, type ResidentShell, residentCommand } from '../shell/resident.ts';
import { createBreaker } from './breaker.ts';
import { explainConnectFailure, timedOut, wasDropped } from './connect-failure.ts';
import { connect, type EngineChannel, type EngineConnection } from './engine.ts';
import { createForgetQueue } from './forget-queue.ts';
import type { HostKeys } from './host-keys.ts';
import { createSharedAttempt } from './shared-attempt.ts';
import { createSharedConnection, type Place, type SharedConnection } from './shared-connection.ts';
import { createShellStart, type ShellStart } from './shell-start.ts';
import type { Slots } from './slots.ts';
import type { SshMetrics } from './ssh-metrics.ts';
import { withTimeLimit } from './time-limit.ts';

export interface LinkDeps {
  readonly target: SshTarget;
  readonly ssh: SshConfig;
  readonly guard: GuardConfig;
  readonly hostKeys: HostKeys;
  /** Handshakes to this host at the same time. */
  readonly starts: Slots;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: SshMetrics;
}

/** The way to one (host, port, user, identity): at most one shared connection, and what is known of its failures. */
export interface Link {
  /**
   * A place for one command, on the open connection or a new one.
   * @throws MOLT_SSH_BUSY when the host had no free session within `connectMs`; MOLT_SSH_TIMEOUT, MOLT_SSH_UNREACHABLE,
   * MOLT_SSH_UNKNOWN_HOST, MOLT_SSH_REFUSED_KEY, MOLT_SSH_HOST_KEY_UNKNOWN, MOLT_SSH_HOST_KEY_CHANGED, MOLT_SSH_IDENTITY or
   * MOLT_SSH_BREAKER when there is no connection; the reason of the signal
   */
  acquire(wait: { readonly connectMs: number; readonly signal: AbortSignal; readonly front?: boolean }): Promise<Place>;
  /** A connection of one's own, past the limits and the breaker: to end what the shared one cannot reach any more. */
  connectAside(signal: AbortSignal): Promise<EngineConnection>;
  isConnected(): boolean;
  /** A command could be sent at once: to a shell that waits for one, or where there are no shells of ours, in a session of its own. */
  isReady(shells: 'resident' | 'none'): boolean;
  /** Starts a resident shell on a place of this link. */
  openShell: ShellStart['open'];
  /** Soon, when a shell has nothing else to do; never opens a connection for it. */
  forget(guard: Pick<GuardOrder, 'id' | 'attempt'>): void;
  /** Nothing is open, under way or remembered. */
  isForgettable(): boolean;
  /** Closes the connection and gives up what is under way; resolves when the socket is gone. */
  close(): Promise<void>;
}

/** A host that hangs up on so many handshakes in a row is not just busy. */
const handshakeTries = 8;

export function createLink(deps: LinkDeps): Link {
  const { target, clock } = deps;
  const forgets = createForgetQueue(clock, () => connector.current()?.idleShell());
  const connector = createConnector(deps, forgets.poke);
  const shellStart = createShellStart({ clock, log: deps.log.child(place(target)) });
  return {
    async acquire({ connectMs, signal, front = false }) {
      signal.throwIfAborted();
      const free = connector.current()?.tryPlace();
      if (free) return free;
      let waitsForPlace = false;
      const reason = (): Error => new MoltError('MOLT_DEADLINE', `not within ${connectMs} ms`);
      try {
        return await withTimeLimit({ ms: connectMs, reason, outer: signal, clock }, async (bounded) => {
          for (;;) {
            waitsForPlace = false;
            const connection = await connector.connected(bounded);
            waitsForPlace = true;
            const found = await connection.place({ signal: bounded, front }).catch(unlessClosed(connection, bounded));
            if (found) return found;
          }
        });
      } catch (error) {
        if (signal.aborted || !hasCode(error, 'MOLT_DEADLINE')) throw error;
        throw waitsForPlace ? busy(target, connectMs) : timedOut(target, error as Error);
      }
    },
    connectAside: (signal) => connectOnce(deps, signal),
    isConnected: () => connector.current() !== undefined,
    isReady(shells) {
      const connection = connector.current();
      const isDirect = shells === 'none' || shellStart.refused() !== undefined;
      return (isDirect ? connection?.hasRoom() : connection?.hasShell()) ?? false;
    },
    openShell: shellStart.open,
    forget: forgets.add,
    isForgettable: () => connector.isForgettable() && shellStart.refused() === undefined,
    async close() {
      forgets.close();
      await connector.close();
    },
  };
}

/** Keeps the one connection of a link. */
interface Connector {
  current(): SharedConnection | undefined;
  /** The open connection, or a new one as far as the breaker allows. */
  connected(signal: AbortSignal): Promise<SharedConnection>;
  isForgettable(): boolean;
  close(): Promise<void>;
}

function createConnector(deps: LinkDeps, onRelease: () => void): Connector {
  const { target, ssh, hostKeys, guard, clock, log, metrics } = deps;
  const breaker = createBreaker(clock);
  let current: SharedConnection | undefined;

  const adopt = (engine: EngineConnection): SharedConnection => {
    const { channelsPerConnection: channels, idleCloseMs } = ssh;
    const openShell = (channel: EngineChannel): Promise<ResidentShell> =>
      openResident(channel, { ...guard, clock, log });
    const shellCommand = residentCommand(target);
    const shared = { engine, channels, idleCloseMs, clock, shellCommand, openShell, onRelease };
    const connection = createSharedConnection(shared);
    current = connection;
    void connection.closed.then((err) => {
      if (current === connection) current = undefined;
      log.info({ ...place(target), ...(err && { err }) }, 'SSH connection closed');
    });
    breaker.succeeded();
    metrics.connected('ok');
    log.info(place(target), 'SSH connection open');
    return connection;
  };
  const explain = (thrown: unknown, hostKeysVersion: string): MoltError => {
    const { error, kind } = explainConnectFailure(thrown, target);
    if (!kind) return error;
    const hangsOnFile = hasCode(error, 'MOLT_SSH_HOST_KEY_UNKNOWN') || hasCode(error, 'MOLT_SSH_HOST_KEY_CHANGED');
    breaker.failed(kind, error, hangsOnFile ? hostKeysVersion : undefined);
    metrics.connected(error.code);
    log.warn({ ...place(target), err: error }, 'no SSH connection');
    return error;
  };
  const attempt = createSharedAttempt(async (signal) => {
    const version = await hostKeys.version();
    const engine = await dial(deps, signal).catch((thrown: unknown) => Promise.reject(explain(thrown, version)));
    if (!signal.aborted) return adopt(engine);
    engine.close();
    throw signal.reason;
  });
  return {
    current: () => current,
    async connected(signal) {
      if (current?.isOpen()) return current;
      if (attempt.isUnderWay()) return attempt.join(signal);
      const refusedWith = breaker.refusalContext();
      if (refusedWith !== undefined && refusedWith !== (await hostKeys.version())) breaker.forgive();
      const blocked = attempt.isUnderWay() ? undefined : breaker.block();
      if (blocked) throw blocked;
      return attempt.join(signal);
    },
    isForgettable: () => current === undefined && !attempt.isUnderWay() && breaker.isForgettable(),
    async close() {
      attempt.abort(new MoltError('MOLT_SHUTTING_DOWN', 'the SSH transport stops'));
      const closing = current;
      closing?.close();
      await closing?.closed;
    },
  };
}

const place = ({ name, host, port, user }: SshTarget): object => ({ target: name, host, port, user });

/** A connection that closed while a place on it was waited for is no failure: the next one is tried. */
const unlessClosed =
  (connection: SharedConnection, signal: AbortSignal) =>
  (error: unknown): undefined => {
    if (signal.aborted || connection.isOpen()) throw error;
  };

const busy = ({ host, port }: SshTarget, connectMs: number): MoltError =>
  new MoltError('MOLT_SSH_BUSY', `${host}:${port} had no free session within ${connectMs} ms`);

async function dial(deps: LinkDeps, signal: AbortSignal): Promise<EngineConnection> {
  for (let tries = 1; ; tries++) {
    const release = await deps.starts.acquire({ signal });
    try {
      return await connectOnce(deps, signal);
    } catch (error) {
      if (tries >= handshakeTries || !wasDropped(error)) throw error;
      deps.log.info({ ...place(deps.target), tries }, 'the host hung up on an SSH handshake; trying again');
    } finally {
      release();
    }
    await deps.clock.sleep(backoffMs(tries, { maxMs: 2_000 }), signal);
  }
}

async function connectOnce({ target, ssh, hostKeys }: LinkDeps, signal: AbortSignal): Promise<EngineConnection> {
  const identity = ssh.identities[target.identity];
  if (!identity) throw new MoltError('MOLT_SSH_IDENTITY', 'it is not configured here');
  const check = await hostKeys.checkFor(target);
  const { host, port, user } = target;
  return connect({
    host,
    port,
    user,
    identity,
    hostKeyTypes: check.keyTypes,
    verifyHostKey: (key) => check.verify(key),
    keepaliveMs: ssh.keepaliveMs,
    signal,
  });
}
