import type { Clock } from '@moltbot/shared';
import type { ResidentShell } from '../shell/resident.ts';
import type { EngineChannel } from './engine.ts';

/** A resident shell with the channel it lives in. */
export interface PooledShell {
  readonly shell: ResidentShell;
  readonly channel: EngineChannel;
}

/** The resident shells of one connection that wait for a command. Each of them holds a session of the host. */
export interface ResidentPool {
  /** The one that was used last, so that those nobody needs grow old. */
  take(): PooledShell | undefined;
  /** Lets it wait for the next command, or closes it when it is not good for one. */
  giveBack(pooled: PooledShell): void;
  /** The one that waits longest. */
  coldest(): ResidentShell | undefined;
  size(): number;
  /** As `size() > 0`, without a look at all of them. */
  hasOne(): boolean;
  /** Closes those that wait longest until at most `count` are left. */
  shrink(count: number): void;
  /** Closes those that have waited since then or longer, by the monotonic clock. */
  closeOlder(since: number): void;
  /** When the one that waits longest began to, by the monotonic clock. */
  oldest(): number | undefined;
}

const isGood = ({ shell, channel }: PooledShell): boolean => shell.isReusable() && channel.isOpen();

interface Waiting extends PooledShell {
  readonly since: number;
}

/** @param onGone called once for each shell that is closed here or has ended */
export function createResidentPool(clock: Pick<Clock, 'monotonic'>, onGone: () => void): ResidentPool {
  /** The coldest first. */
  const waiting: Waiting[] = [];
  const close = ({ shell, channel }: PooledShell): void => {
    shell.close();
    channel.discard();
    onGone();
  };
  /** Those that ended as they waited. */
  const bury = (): void => {
    for (let index = waiting.length - 1; index >= 0; index--) {
      const found = waiting[index];
      if (found && isGood(found)) continue;
      waiting.splice(index, 1).forEach(close);
    }
  };
  return {
    take() {
      for (;;) {
        const last = waiting.pop();
        if (!last || isGood(last)) return last;
        close(last);
      }
    },
    giveBack(pooled) {
      if (isGood(pooled)) {
        waiting.push({ shell: pooled.shell, channel: pooled.channel, since: clock.monotonic() });
      } else close(pooled);
    },
    coldest() {
      bury();
      return waiting[0]?.shell;
    },
    hasOne: () => waiting.some(isGood),
    size() {
      bury();
      return waiting.length;
    },
    shrink(count) {
      waiting.splice(0, Math.max(0, waiting.length - count)).forEach(close);
    },
    closeOlder(since) {
      const count = waiting.filter((shell) => shell.since <= since).length;
      waiting.splice(0, count).forEach(close);
    },
    oldest: () => waiting[0]?.since,
  };
}
