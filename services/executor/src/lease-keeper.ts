import { type Clock, hasCode, type Logger, type Service } from '@moltbot/shared';
import type { Store } from '@moltbot/store';
import type { ActiveRuns } from './active-runs.ts';

export interface LeaseKeeperDeps {
  readonly store: Pick<Store, 'renewLeases'>;
  readonly runs: ActiveRuns;
  readonly clock: Clock;
  readonly log: Logger;
  readonly leaseMs: number;
}

/**
 * Renews the leases of all active runs in one call, three times a lease, and passes on what the answer says:
 * a run that another worker holds is let go, a run that was cancelled is stopped.
 */
export function createLeaseKeeper({ store, runs, clock, log, leaseMs }: LeaseKeeperDeps): Service {
  const stopped = new AbortController();
  let loop: Promise<void> | undefined;

  const renew = async (): Promise<void> => {
    const tokens = runs.all().map(({ token }) => token);
    if (tokens.length === 0) return;
    for (const { token, held, cancelRequested } of await store.renewLeases(tokens, leaseMs)) {
      if (!held) runs.get(token.runId)?.stop('fenced');
      else if (cancelRequested) runs.get(token.runId)?.stop('cancelled');
    }
  };

  const run = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      await clock.sleep(leaseMs / 3, stopped.signal).catch(() => {});
      await renew().catch((err: unknown) => {
        // With the store down nobody else can claim either: the runs go on and their results wait.
        log.warn({ err, code: hasCode(err, 'MOLT_STORE_DOWN') ? 'MOLT_STORE_DOWN' : undefined }, 'leases not renewed');
      });
    }
  };

  return {
    name: 'lease-keeper',
    async start() {
      loop = run();
    },
    // Runs are finished while quiescing, so leases are kept until the end.
    async quiesce() {},
    async stop() {
      stopped.abort();
      await loop;
      loop = undefined;
    },
    health: () => ({ ok: true }),
  };
}
