import { backoffMs, type Clock, type Logger } from '@moltbot/shared';
import type { LarkApi } from './lark-api.ts';

export interface LongConnectionDeps {
  readonly api: Pick<LarkApi, 'connect'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Types of events. */
  readonly events: readonly string[];
  onEvent(type: string, data: unknown): Promise<object | undefined>;
  /** Events may have been lost before. */
  onOpen(): void;
  onLost(): void;
  readonly pingEveryMs: number;
  readonly pongWithinMs: number;
}

/** How often it is looked whether the connection stands, ms. */
const lookEveryMs = 250;
/** The SDK asks for an address and opens a socket, with an end to each of them. */
const openWithinMs = 30_000;
const patience = { baseMs: 500, maxMs: 8_000, jitter: 0.5 } as const;
/** One that stood so long was well: the next try comes soon. */
const steadyMs = 30_000;

/**
 * Keeps a long connection until the signal aborts. Whatever ends one, also what the SDK takes for final, a new one follows after a wait
 * that grows while it does not help. One that is silent though we ask is dead.
 */
export async function keepConnected(deps: LongConnectionDeps, signal: AbortSignal): Promise<void> {
  const { clock, log, onLost } = deps;
  let failures = 0;
  while (!signal.aborted) {
    const since = clock.monotonic();
    const reason = await connectOnce(deps, signal);
    onLost();
    if (signal.aborted) return;
    const stood = clock.monotonic() - since;
    failures = stood > steadyMs ? 1 : failures + 1;
    const waitMs = backoffMs(failures, patience);
    log.warn({ reason, stoodMs: Math.round(stood), waitMs }, 'the long connection is lost; connects again');
    await clock.sleep(waitMs, signal).catch(() => {});
  }
}

/** @returns why it ended */
async function connectOnce(deps: LongConnectionDeps, signal: AbortSignal): Promise<string> {
  const { api, clock, log, events, onEvent, onOpen, pingEveryMs, pongWithinMs } = deps;
  const began = clock.monotonic();
  let failure: Error | undefined;
  let openedAt: number | undefined;
  const connection = api.connect({
    ...{ events, onEvent, pongWithinMs },
    onOpen() {
      openedAt = clock.monotonic();
      log.info({}, 'the long connection stands');
      onOpen();
    },
    onFailure(reason) {
      failure = reason;
    },
  });
  let pingedAt = began;
  try {
    while (!signal.aborted) {
      await clock.sleep(lookEveryMs, signal).catch(() => {});
      const now = clock.monotonic();
      if (failure) return failure.message;
      if (openedAt === undefined && now - began > openWithinMs) return 'it could not be opened in time';
      if (openedAt !== undefined && !connection.isOpen()) return 'it was closed, or did not answer';
      if (openedAt !== undefined && now - pingedAt >= pingEveryMs) {
        pingedAt = now;
        connection.ping();
      }
    }
    return 'stopping';
  } finally {
    connection.close();
  }
}
