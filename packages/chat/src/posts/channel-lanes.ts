import type { Clock } from '@moltbot/shared';
import type { PlatformLimits } from '../platform.ts';

/** `first`: of a message that is not there yet; `final`: the last state of one; `progress`: what a later one makes useless. */
export type Urgency = 'first' | 'final' | 'progress';

/**
 * One call at a time into each channel, within its budget: so answers stand in the order in which they were begun, and what is final
 * never waits behind progress. What is to be said is made when its turn has come, so that only the newest is.
 */
export interface ChannelLanes {
  /** Resolves with what `work` gives; rejects with the signal's reason when it aborts before its turn. */
  turn<T>(channel: string, urgency: Urgency, work: () => Promise<T>): Promise<T>;
  /** Nothing is said in the channel before so long has passed. */
  coolOff(channel: string, ms: number): void;
}

interface Waiting {
  readonly urgency: Urgency;
  run(): Promise<void>;
  drop(reason: unknown): void;
}

interface Lane {
  readonly waiting: Waiting[];
  /** Monotonic times at which the calls within the last `perMs` ended. */
  calls: number[];
  notBefore: number;
  /** Goes on while something waits. */
  loop?: Promise<void> | undefined;
}

export interface LanesDeps {
  readonly limits: Pick<PlatformLimits, 'channel'>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** So many are remembered before those are forgotten that matter no more. */
const lanesAtMost = 1_000;

/** Something more urgent may come while one waits for its budget: it is looked for so often, ms. */
const lookEveryMs = 100;

export function createChannelLanes({ limits, clock, signal }: LanesDeps): ChannelLanes {
  const lanes = new Map<string, Lane>();
  const laneOf = (channel: string): Lane => {
    if (lanes.size >= lanesAtMost) forgetIdle();
    const lane = lanes.get(channel) ?? { waiting: [], calls: [], notBefore: 0 };
    lanes.set(channel, lane);
    return lane;
  };
  const forgetIdle = (): void => {
    const now = clock.monotonic();
    for (const [channel, { loop, calls, notBefore }] of lanes) {
      const isIdle = !loop && notBefore <= now && calls.every((at) => at <= now - limits.channel.perMs);
      if (isIdle) lanes.delete(channel);
    }
  };
  /** How long until a call of this urgency is within the budget, ms. */
  const waitOf = (lane: Lane, urgency: Urgency): number => {
    const now = clock.monotonic();
    const { calls, perMs, reserve } = limits.channel;
    lane.calls = lane.calls.filter((at) => at > now - perMs);
    const oldest = lane.calls.at(-(urgency === 'progress' ? Math.max(1, calls - reserve) : calls));
    return Math.max(lane.notBefore - now, oldest === undefined ? 0 : oldest + perMs - now, 0);
  };
  const drain = async (lane: Lane): Promise<void> => {
    while (lane.waiting.length > 0 && !signal.aborted) {
      const place = Math.max(
        0,
        lane.waiting.findIndex(({ urgency }) => urgency !== 'progress'),
      );
      const wait = waitOf(lane, lane.waiting[place]?.urgency ?? 'progress');
      if (wait > 0) {
        await clock.sleep(Math.min(wait, lookEveryMs), signal).catch(() => {});
      } else {
        const [chosen] = lane.waiting.splice(place, 1);
        await chosen?.run();
        // From its end: when in between the platform has counted it is not known.
        lane.calls.push(clock.monotonic());
      }
    }
    for (const { drop } of lane.waiting.splice(0)) drop(signal.reason);
    lane.loop = undefined;
  };

  return {
    turn(channel, urgency, work) {
      // Nobody would take it out any more.
      if (signal.aborted) return Promise.reject(signal.reason);
      const lane = laneOf(channel);
      return new Promise((resolve, reject) => {
        lane.waiting.push({ urgency, run: () => work().then(resolve, reject), drop: reject });
        lane.loop ??= drain(lane);
      });
    },
    coolOff(channel, ms) {
      const lane = laneOf(channel);
      lane.notBefore = Math.max(lane.notBefore, clock.monotonic() + ms);
    },
  };
}
