import type { TransportRun } from '@moltbot/plugin-sdk';
import { type Logger, MoltError, type ServiceHealth } from '@moltbot/shared';

/** The commands a transport has in hand, and whether it takes more. */
export interface InFlight {
  /** From now on commands are taken. */
  open(): void;
  /**
   * Runs `work` with a signal that aborts when the command's own does, or on `abort`.
   * A command that is released is nobody's from then on: `abort` does not end it, `quiesce` does not wait for it.
   * @throws MOLT_SHUTTING_DOWN when commands are not taken, or when it is released
   */
  track<T>(run: Pick<TransportRun, 'signal' | 'release'>, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Takes no more; resolves when those in hand have ended or `force` aborts. */
  quiesce(force: AbortSignal): Promise<void>;
  /** Takes no more, and aborts those in hand. */
  abort(): void;
  settled(): Promise<void>;
  health(): ServiceHealth;
}

/** @param owner who it is, in words, for the message of MOLT_SHUTTING_DOWN */
export function createInFlight(owner: string, log: Logger): InFlight {
  const works = new Set<Promise<unknown>>();
  const controllers = new Set<AbortController>();
  let isOpen = false;
  const settled = async (): Promise<void> => {
    await Promise.allSettled([...works]);
  };
  const refusal = (): MoltError => new MoltError('MOLT_SHUTTING_DOWN', `${owner} takes no commands`);
  return {
    open() {
      isOpen = true;
    },
    async track({ signal, release }, work) {
      if (!isOpen || release?.aborted) throw refusal();
      const own = new AbortController();
      const forward = (): void => own.abort(signal.reason);
      if (signal.aborted) forward();
      signal.addEventListener('abort', forward, { once: true });
      const working = work(own.signal);
      const released = Promise.withResolvers<never>();
      const letGo = (): void => released.reject(refusal());
      release?.addEventListener('abort', letGo, { once: true });
      works.add(working);
      controllers.add(own);
      try {
        return await Promise.race([working, released.promise]);
      } finally {
        works.delete(working);
        controllers.delete(own);
        signal.removeEventListener('abort', forward);
        release?.removeEventListener('abort', letGo);
      }
    },
    async quiesce(force) {
      isOpen = false;
      const forced = Promise.withResolvers<void>();
      const onForce = (): void => forced.resolve();
      if (force.aborted) onForce();
      force.addEventListener('abort', onForce, { once: true });
      await Promise.race([settled(), forced.promise]);
      force.removeEventListener('abort', onForce);
    },
    abort() {
      isOpen = false;
      if (controllers.size > 0)
        log.warn({ commands: controllers.size }, `${owner} stops and ends the commands in hand`);
      for (const controller of controllers) controller.abort(refusal());
    },
    settled,
    health: () => (isOpen ? { ok: true } : { ok: false, detail: 'it takes no commands' }),
  };
}
