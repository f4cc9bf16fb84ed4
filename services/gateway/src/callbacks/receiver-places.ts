import type { DelayRung } from '@moltbot/bus';
import type { Clock } from '@moltbot/shared';

/**
 * - `place`: post now, and leave when it is over.
 * - `full`: there is none soon; take a lap.
 * - `closed`: no more posts are begun here.
 */
export type Taken =
  | { readonly kind: 'place'; leave(how: { readonly hung: boolean }): void }
  | { readonly kind: 'full'; readonly lap: DelayRung }
  | { readonly kind: 'closed' };

/**
 * The places at each receiver. Whoever waits for one holds up the replies to all others, so the wait is short, and there is none
 * at a receiver that is slow now or hung before: its replies take laps through the ladder, which cost no try.
 */
export interface ReceiverPlaces {
  /** @param receiver its origin */
  take(receiver: string): Promise<Taken>;
  /** Whoever waits gets no place, now and from here on. */
  close(): void;
  /** Places in use, at all receivers. */
  taken(): number;
}

const postsAtOnce = 4;
/** As old may the oldest post to a receiver be, ms, that is still worth waiting for. */
const patienceMs = 1_000;
/** Of receivers that hung, so many are remembered. */
const remembered = 1_000;

interface Receiver {
  /** When each post began (monotonic ms), oldest first. */
  readonly posts: Set<{ readonly since: number }>;
  readonly waiters: Set<() => void>;
  hung: boolean;
}

export function createReceiverPlaces(clock: Clock): ReceiverPlaces {
  const receivers = new Map<string, Receiver>();
  let closed = false;
  let taken = 0;

  const receiverOf = (name: string): Receiver => {
    const receiver = receivers.get(name) ?? { posts: new Set(), waiters: new Set(), hung: false };
    receivers.set(name, receiver);
    return receiver;
  };

  const enter = (name: string, receiver: Receiver): Taken => {
    const post = { since: clock.monotonic() };
    receiver.posts.add(post);
    taken += 1;
    const leave = ({ hung }: { readonly hung: boolean }): void => {
      receiver.posts.delete(post);
      taken -= 1;
      receiver.hung = hung;
      wakeAll(receiver);
      forgetIdle(receivers, name);
    };
    return { kind: 'place', leave };
  };

  return {
    async take(name) {
      while (!closed) {
        const receiver = receiverOf(name);
        const places = receiver.hung ? 1 : postsAtOnce;
        if (receiver.posts.size < places) return enter(name, receiver);
        if (receiver.hung) return { kind: 'full', lap: '30s' };
        const [oldest] = receiver.posts;
        const waitMs = patienceMs - (clock.monotonic() - (oldest?.since ?? 0));
        if (waitMs <= 0) return { kind: 'full', lap: '5s' };
        await changeWithin(receiver, waitMs);
      }
      return { kind: 'closed' };
    },
    close() {
      closed = true;
      for (const receiver of receivers.values()) wakeAll(receiver);
    },
    taken: () => taken,
  };
}

/** Resolves when somebody left, when the places are closed, or after `ms`. */
function changeWithin({ waiters }: Receiver, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      clearTimeout(timer);
      waiters.delete(wake);
      resolve();
    };
    const timer = setTimeout(wake, ms);
    waiters.add(wake);
  });
}

function wakeAll({ waiters }: Receiver): void {
  for (const wake of [...waiters]) wake();
}

/** Keeps what is in use, and the latest of those that hung. */
function forgetIdle(receivers: Map<string, Receiver>, name: string): void {
  const isIdle = ({ posts, waiters }: Receiver): boolean => posts.size === 0 && waiters.size === 0;
  const own = receivers.get(name);
  if (own && isIdle(own) && !own.hung) receivers.delete(name);
  if (receivers.size <= remembered) return;
  for (const [other, receiver] of receivers) {
    if (isIdle(receiver)) return void receivers.delete(other);
  }
}
