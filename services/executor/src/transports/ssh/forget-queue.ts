import type { GuardOrder } from '@moltbot/plugin-sdk';
import type { Clock } from '@moltbot/shared';
import type { ResidentShell } from '../shell/resident.ts';

type Forgettable = Pick<GuardOrder, 'id' | 'attempt'>;

/** Collects what may be forgotten on a host, for a shell that has nothing else to do. */
export interface ForgetQueue {
  add(guard: Forgettable): void;
  /** To be called when a command has ended: a shell may be free now. */
  poke(): void;
  /** Drops what is left. */
  close(): void;
}

/** So many make it worth a process on the host. */
const batch = 32;
/** Fewer are forgotten after this silence, ms. */
const silenceMs = 2_000;
/** When no shell was ever free, one is made to do it before its next command: the disk over there is finite. */
const pressing = 256;
const most = 4_096;

/** @param idleShell one that waits for a command now; it never opens any */
export function createForgetQueue(clock: Clock, idleShell: () => ResidentShell | undefined): ForgetQueue {
  let pending: Forgettable[] = [];
  let looksLater = false;
  let isDue = false;
  let added = 0;
  const closed = new AbortController();

  const flush = (): void => {
    const shell = pending.length > 0 ? idleShell() : undefined;
    if (!shell) return;
    for (let at = 0; at < pending.length; at += batch) shell.forget(pending.slice(at, at + batch));
    pending = [];
    isDue = false;
  };
  const afterSilence = async (): Promise<void> => {
    for (let seen = -1; seen !== added; ) {
      seen = added;
      await clock.sleep(silenceMs, closed.signal);
    }
    looksLater = false;
    isDue = true;
    flush();
  };
  return {
    add(guard) {
      added++;
      pending.push(guard);
      if (pending.length > most) pending.shift();
      if (pending.length >= batch) flush();
      if (pending.length === 0 || looksLater || closed.signal.aborted) return;
      looksLater = true;
      afterSilence().catch(() => {});
    },
    poke() {
      if (!isDue && pending.length < batch) return;
      if (pending.length >= pressing) flush();
      // Who waits for a shell takes it first.
      else setImmediate(flush);
    },
    close() {
      pending = [];
      closed.abort();
    },
  };
}
