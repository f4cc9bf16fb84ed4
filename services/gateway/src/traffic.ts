import type { ServerResponse } from 'node:http';

/** The requests in hand, and how they are told that the process is stopping. */
export interface Traffic {
  /** Counts a response until it is closed, however it ends. */
  track(response: ServerResponse): void;
  draining(): boolean;
  /** Stage one: no new tasks; event streams end, so that their clients resume elsewhere. */
  drain(): void;
  /** Stage two: waits are answered with what is known now. */
  hurry(): void;
  /** Resolves when no request is in hand. */
  idle(): Promise<void>;
  /** Aborts when the response is closed, or with the stage given. */
  wantedUntil(response: ServerResponse, stage: 'drain' | 'hurry'): AbortSignal;
}

export function createTraffic(): Traffic {
  const stages = { drain: new AbortController(), hurry: new AbortController() };
  const waiting = new Set<() => void>();
  let inHand = 0;
  const closed = (): void => {
    inHand -= 1;
    if (inHand > 0) return;
    for (const resolve of waiting) resolve();
    waiting.clear();
  };
  return {
    track(response) {
      inHand += 1;
      response.once('close', closed);
    },
    draining: () => stages.drain.signal.aborted,
    drain: () => stages.drain.abort(),
    hurry: () => stages.hurry.abort(),
    idle: () => (inHand === 0 ? Promise.resolve() : new Promise((resolve) => waiting.add(resolve))),
    wantedUntil: (response, stage) => firstOf(response, stages[stage].signal),
  };
}

/** Not AbortSignal.any: the listener on the long-lived signal must be gone when the response is. */
function firstOf(response: ServerResponse, stage: AbortSignal): AbortSignal {
  const own = new AbortController();
  const end = (): void => {
    stage.removeEventListener('abort', end);
    // A reason of our own: the default one collects a stack at the end of every request.
    own.abort('the response is closed, or the process stops');
  };
  if (response.closed || stage.aborted) end();
  else {
    response.once('close', end);
    stage.addEventListener('abort', end, { once: true });
  }
  return own.signal;
}
