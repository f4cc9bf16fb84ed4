import { type Clock, MoltError } from '@moltbot/shared';
import { type EngineChannel, type EngineConnection, NotSentError } from './engine.ts';
import { createCapacity, keptForKills } from './session-capacity.ts';
import { createSlots } from './slots.ts';
import { orAborted } from './time-limit.ts';

/** A place for one command on a connection. Give it back with `release`. */
export interface Place {
  /** @throws NotSentError when the command certainly did not start; MOLT_SSH_LOST when it may have */
  exec(command: string): Promise<EngineChannel>;
  /** Runs a small command of our own, to end a process group, on one of the channels kept for that. Resolves to its stdout. */
  runAside(command: string, signal: AbortSignal): Promise<string>;
  release(): void;
}

/** An open connection that many commands share. */
export interface SharedConnection {
  /** @throws the reason of the signal, or MOLT_SSH_LOST when the connection closes meanwhile */
  place(options: { readonly signal: AbortSignal; readonly front: boolean }): Promise<Place>;
  tryPlace(): Place | undefined;
  /** Would `tryPlace` give one now? */
  hasRoom(): boolean;
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
}

/**
 * Shares a connection: `channels` commands at a time, fewer when the host is seen to refuse more, in the order they came.
 * Closes itself when no command used it for `idleCloseMs`.
 */
export function createSharedConnection(deps: SharedConnectionDeps): SharedConnection {
  const { engine, channels, clock } = deps;
  const commands = createSlots(channels);
  const kills = createSlots(keptForKills);
  const capacity = createCapacity(channels, (limit) => commands.resize(limit));
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
  const runAside = async (command: string, signal: AbortSignal): Promise<string> => {
    const free = await kills.acquire({ signal });
    const opening = openSession(command);
    try {
      return await readAll(opening, signal);
    } finally {
      opening.then(capacity.ended).catch(() => {});
      free();
    }
  };
  const placeOf = (free: () => void): Place => {
    let opened: Promise<EngineChannel> | undefined;
    return {
      exec(command) {
        opened = openSession(command);
        return opened;
      },
      runAside,
      release() {
        opened?.then(capacity.ended).catch(() => {});
        opened = undefined;
        usedAt = clock.monotonic();
        free();
      },
    };
  };

  const ended = new AbortController();
  closeWhenIdle(() => (commands.inUse() === 0 ? usedAt : undefined), { ...deps, signal: ended.signal }).catch(() => {});
  void engine.closed.then((cause) => {
    ended.abort();
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
    place: async (options) => placeOf(await commands.acquire(options)),
    isOpen: () => engine.isOpen(),
    closed: engine.closed,
    close: () => engine.close(),
  };
}

/** @param idleSince when it was last used, by the monotonic clock; undefined while it is */
async function closeWhenIdle(
  idleSince: () => number | undefined,
  { engine, idleCloseMs, clock, signal }: SharedConnectionDeps & { readonly signal: AbortSignal },
): Promise<void> {
  for (let wait = idleCloseMs; wait > 0; ) {
    await clock.sleep(wait, signal);
    const since = idleSince();
    wait = since === undefined ? idleCloseMs : since + idleCloseMs - clock.monotonic();
  }
  engine.close();
}

/** What a command printed on stdout until its end. @throws what `opening` does, or the reason of the signal */
export async function readAll(opening: Promise<EngineChannel>, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    const channel = await orAborted(opening, signal);
    channel.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    channel.stderr.resume();
    channel.endInput();
    await orAborted(channel.ended, signal);
  } finally {
    // It may be opened only now that nobody waits for it.
    opening.then((channel) => channel.close()).catch(() => {});
  }
  return Buffer.concat(chunks).toString('utf8');
}
