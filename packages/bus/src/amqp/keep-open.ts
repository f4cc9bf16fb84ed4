import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs, type Logger } from '@moltbot/shared';

/** Something that is open until it ends: a connection, a channel, a consumer. */
export interface Session {
  /** Resolves with the reason when it has ended, for whatever cause. Never rejects. */
  readonly closed: Promise<string>;
  /** Ends it, within seconds, also when the peer is gone. */
  close(): Promise<unknown>;
}

/** Keeps one session open: opens it, and opens another when it ends, for ever, with back-off. */
export interface Keeper<S extends Session> {
  /** Begins. Resolves when the first try has ended, well or badly. */
  start(): Promise<void>;
  current(): S | undefined;
  /** The open session, or the next one to open. Rejects when `signal` aborts first. */
  next(signal: AbortSignal): Promise<S>;
  /** Why there is no session; '' while there is one. */
  trouble(): string;
  /** Closes the session and opens no other. Tolerates a second call, and one before `start`. */
  stop(): Promise<void>;
}

export interface KeeperOptions<S extends Session> {
  /** For the log: `the connection for publishing`. */
  readonly what: string;
  /** Opens one session; cleans up after itself when it rejects. */
  open(signal: AbortSignal): Promise<S>;
  readonly log: Logger;
  readonly onOpen?: (session: S) => void;
}

// A session that lasted this long was sound: the next back-off starts small again.
const soundMs = 5_000;

export function keepOpen<S extends Session>(options: KeeperOptions<S>): Keeper<S> {
  return new OpenKeeper(options);
}

class OpenKeeper<S extends Session> implements Keeper<S> {
  readonly #options: KeeperOptions<S>;
  readonly #stopping = new AbortController();
  #opened = Promise.withResolvers<S>();
  #session: S | undefined;
  #trouble = 'it has not been opened yet';
  #running: Promise<void> = Promise.resolve();

  constructor(options: KeeperOptions<S>) {
    this.#options = options;
  }

  start(): Promise<void> {
    const triedOnce = Promise.withResolvers<void>();
    this.#running = this.#run(triedOnce.resolve);
    return triedOnce.promise;
  }

  current(): S | undefined {
    return this.#session;
  }

  next(signal: AbortSignal): Promise<S> {
    return this.#session ? Promise.resolve(this.#session) : orAborted(this.#opened.promise, signal);
  }

  trouble(): string {
    return this.#session ? '' : this.#trouble;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    const last = this.#session;
    this.#session = undefined;
    this.#trouble = 'it was stopped';
    await last?.close();
  }

  async #run(triedOnce: () => void): Promise<void> {
    const { what, log } = this.#options;
    const { signal } = this.#stopping;
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      const began = performance.now();
      try {
        this.#trouble = await this.#openAndWait(triedOnce);
        if (performance.now() - began > soundMs) attempt = 1;
      } catch (err) {
        this.#trouble = err instanceof Error ? err.message : String(err);
      }
      if (signal.aborted) break;
      if (this.#session) this.#opened = Promise.withResolvers<S>();
      this.#session = undefined;
      const delayMs = backoffMs(attempt);
      log.warn({ reason: this.#trouble, attempt, delayMs }, `${what} is not open; trying again`);
      triedOnce();
      await delay(delayMs, undefined, { signal }).catch(() => {});
    }
    triedOnce();
  }

  /** Opens a session; resolves with the reason when it has ended. */
  async #openAndWait(triedOnce: () => void): Promise<string> {
    const { what, open, log, onOpen } = this.#options;
    const session = await openUnlessAborted(open, this.#stopping.signal);
    this.#session = session;
    onOpen?.(session);
    this.#opened.resolve(session);
    log.debug({}, `${what} is open`);
    triedOnce();
    return orAborted(session.closed, this.#stopping.signal);
  }
}

/** Opens, and does not wait when `signal` aborts; what opens too late is closed. */
async function openUnlessAborted<S extends Session>(
  open: (signal: AbortSignal) => Promise<S>,
  signal: AbortSignal,
): Promise<S> {
  const opening = open(signal);
  try {
    return await orAborted(opening, signal);
  } catch (err) {
    opening.then((late) => late.close()).catch(() => {});
    throw err;
  }
}

/** The promise, or a rejection with the signal's reason when that aborts first. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
