import { type Clock, MoltError } from '@moltbot/shared';
import type { ResidentShell } from '../shell/resident.ts';
import { type EngineChannel, type EngineConnection, NotSentError } from './engine.ts';
import { NoShellError } from './no-shell-error.ts';
import { createResidentPool, type PooledShell } from './resident-pool.ts';
import { type AsideProgram, runToEnd } from './run-to-end.ts';
import { createCapacity, keptForKills } from './session-capacity.ts';
import { createSlots } from './slots.ts';
import { orAborted, settledWithin } from './time-limit.ts';

/** A place for one command on a connection. Give it back with `release`. */
export interface Place {
  /** A resident shell that waited for a command, when there is one. */
  takeShell(): PooledShell | undefined;
  /**
   * Starts a resident shell for this place.
   * @throws NotSentError when the host gave no session or the connection has gone; NoShellError when no shell of ours answered;
   * the reason of the signal
   */
  openShell(signal: AbortSignal): Promise<PooledShell>;
  /**
   * Runs a command in a session of its own.
   * @throws NotSentError when the command certainly did not start; MOLT_SSH_LOST when it may have
   */
  exec(command: string): Promise<EngineChannel>;
  /** Runs a small program, to end a process group, on one of the channels kept for that. Resolves to its stdout. */
  runAside(program: AsideProgram, signal: AbortSignal): Promise<string>;
  release(): void;
}

/** An open connection that many commands share. */
export interface SharedConnection {
  /** @throws the reason of the signal, or MOLT_SSH_LOST when the connection closes meanwhile */
  place(options: { readonly signal: AbortSignal; readonly front: boolean }): Promise<Place>;
  tryPlace(): Place | undefined;
  /** Would `tryPlace` give one now? */
  hasRoom(): boolean;
  /** Would that place have a shell that waits? */
  hasShell(): boolean;
  /** The shell that has waited longest for a command. */
  idleShell(): ResidentShell | undefined;
  isOpen(): boolean;
  readonly closed: Promise<Error | undefined>;
  close(): void;
}

export interface SharedConnectionDeps {
  readonly engine: EngineConnection;
  /** Commands at a time, at most. */
  readonly channels: number;
  readonly idleCloseMs: number;
  readonly clock: Clock;
  /** What starts a resident shell. */
  readonly shellCommand: string;
  /** Makes a resident shell of a session in which one was asked for. */
  readonly openShell: (channel: EngineChannel) => Promise<ResidentShell>;
  /** Called when a place was given back. */
  readonly onRelease: () => void;
}

/**
 * Shares a connection: `channels` commands at a time, fewer when the host is seen to refuse more, in the order they came.
 * The shells that wait for a command and the commands in hand are never more than that together, so that no place is without
 * a session. Shells that waited for `idleCloseMs` are closed, and so is the connection when no command used it for that long.
 */
export function createSharedConnection(deps: SharedConnectionDeps): SharedConnection {
  const { engine, channels, clock, onRelease } = deps;
  const commands = createSlots(channels);
  const kills = createSlots(keptForKills);
  let limit = channels;
  /** Sessions for commands, of shells that wait too; and how many of them are only asked for. */
  let held = 0;
  let asked = 0;
  const closeIdle = (count: number): void => {
    if (count > 0) shells.shrink(shells.size() - count);
  };
  const capacity = createCapacity(channels, (next) => {
    limit = next;
    commands.resize(next);
    closeIdle(held - asked - limit);
  });
  const endHeld = (): void => {
    held--;
    capacity.ended();
  };
  const shells = createResidentPool(clock, endHeld);
  let usedAt = clock.monotonic();

  const openSession = async (command: string): Promise<EngineChannel> => {
    capacity.asked();
    try {
      const channel = await engine.exec(command);
      capacity.granted();
      return channel;
    } catch (error) {
      capacity.refused(error instanceof NotSentError && error.refused);
      throw error;
    }
  };
  const hold = async (command: string): Promise<EngineChannel> => {
    closeIdle(held + 1 - limit);
    held++;
    asked++;
    try {
      return await openSession(command);
    } catch (error) {
      held--;
      throw error;
    } finally {
      asked--;
    }
  };
  const startShell = async (): Promise<PooledShell> => {
    const channel = await hold(deps.shellCommand).catch((error: unknown) => {
      // Nothing but a shell was asked for: it may be asked for again.
      throw error instanceof NotSentError ? error : new NotSentError(false, error as Error);
    });
    let isStarted = false;
    // What did not become a shell is not just closed: see below.
    const close = (): void => {
      if (isStarted) channel.close();
    };
    try {
      const shell = await deps.openShell({ ...channel, close });
      isStarted = true;
      return { channel, shell };
    } catch (error) {
      endHeld();
      throw await whyNoShell(error, { channel, engine, clock });
    }
  };
  const runAside = async (program: AsideProgram, signal: AbortSignal): Promise<string> => {
    const free = await kills.acquire({ signal });
    const opening = openSession(program.command);
    try {
      return await runToEnd(opening, program, signal);
    } finally {
      opening.then(capacity.ended).catch(() => {});
      free();
    }
  };
  const placeOf = (free: () => void): Place => {
    let session: Promise<EngineChannel> | undefined;
    let taken: PooledShell | undefined;
    let starting: Promise<PooledShell> | undefined;
    const vacate = (): void => {
      usedAt = clock.monotonic();
      free();
      onRelease();
    };
    return {
      takeShell() {
        taken = shells.take();
        if (taken) capacity.used();
        return taken;
      },
      async openShell(signal) {
        // One may have become free since there was none.
        taken = shells.take();
        if (taken) return taken;
        starting = startShell();
        return orAborted(starting, signal);
      },
      exec(command) {
        session = hold(command);
        return session;
      },
      runAside,
      release() {
        session?.then(endHeld).catch(() => {});
        session = undefined;
        if (taken) shells.giveBack(taken);
        taken = undefined;
        // One that is still being started keeps the place until it can be told what becomes of it.
        if (starting) starting.then(shells.giveBack).then(vacate, vacate);
        else vacate();
        starting = undefined;
      },
    };
  };

  const ended = new AbortController();
  const idleSince = (): number | undefined => (commands.inUse() === 0 ? usedAt : undefined);
  closeWhenIdle(idleSince, { ...deps, shells, signal: ended.signal }).catch(() => {});
  void engine.closed.then((cause) => {
    ended.abort();
    shells.shrink(0);
    const lost = new MoltError('MOLT_SSH_LOST', 'the connection closed', { cause });
    commands.close(lost);
    kills.close(lost);
  });

  return {
    tryPlace() {
      const free = engine.isOpen() ? commands.tryAcquire() : undefined;
      return free && placeOf(free);
    },
    hasRoom: () => engine.isOpen() && commands.hasRoom(),
    hasShell: () => engine.isOpen() && commands.hasRoom() && shells.hasOne(),
    idleShell: () => (engine.isOpen() ? shells.coldest() : undefined),
    place: async (options) => placeOf(await commands.acquire(options)),
    isOpen: () => engine.isOpen(),
    closed: engine.closed,
    close: () => engine.close(),
  };
}

/** How long the login shell may take to tell its exit code once it has closed its output, ms. */
const exitCodeMs = 1_000;

async function whyNoShell(
  thrown: unknown,
  {
    channel,
    engine,
    clock,
  }: { readonly channel: EngineChannel; readonly engine: EngineConnection; readonly clock: Clock },
): Promise<NotSentError | NoShellError> {
  // It may hang in a start-up file, where nobody would ever end it.
  for (const name of ['TERM', 'KILL'] as const) channel.signal(name);
  channel.discard();
  const result = await settledWithin(clock, exitCodeMs, channel.ended);
  if (!engine.isOpen()) return new NotSentError(false, thrown as Error);
  return new NoShellError(result?.exitCode !== undefined, thrown);
}

interface IdleDeps extends SharedConnectionDeps {
  readonly shells: ReturnType<typeof createResidentPool>;
  readonly signal: AbortSignal;
}

/** @param idleSince when it was last used, by the monotonic clock; undefined while it is */
async function closeWhenIdle(
  idleSince: () => number | undefined,
  { engine, idleCloseMs, clock, shells, signal }: IdleDeps,
): Promise<void> {
  for (let wait = idleCloseMs; wait > 0; ) {
    await clock.sleep(wait, signal);
    const now = clock.monotonic();
    shells.closeOlder(now - idleCloseMs);
    const next = Math.min(idleSince() ?? now, shells.oldest() ?? now);
    wait = next + idleCloseMs - now;
  }
  engine.close();
}
