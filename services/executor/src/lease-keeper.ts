import { type Clock, hasCode, type Logger, type Service } from '@moltbot/shared';
import type { Store } from '@moltbot/store';
import type { ActiveRun, ActiveRuns } from './active-runs.ts';
import { whileStoreIsDown } from './outage-patience.ts';

export interface LeaseKeeperDeps {
  readonly store: Pick<Store, 'renewLeases'>;
  readonly runs: ActiveRuns;
  readonly clock: Clock;
  readonly log: Logger;
  readonly leaseMs: number;
}

type RenewDeps = Pick<LeaseKeeperDeps, 'store' | 'clock' | 'leaseMs'>;

async function renew(active: readonly ActiveRun[], { store, clock, leaseMs }: RenewDeps): Promise<void> {
  if (active.length === 0) return;
  const leaseUntil = clock.monotonic() + leaseMs;
  const byId = new Map(active.map((run) => [run.token.runId, run]));
  const tokens = active.map(({ token }) => token);
  for (const { token, held, cancelRequested } of await store.renewLeases(tokens, leaseMs)) {
    const run = byId.get(token.runId);
    if (held && run) run.leaseUntil = leaseUntil;
    if (!held) run?.stop('fenced');
    else if (cancelRequested) run?.stop('cancelled');
  }
}

/**
 * A process that was paused may hold no lease any more, though nothing told it: past the lease's end by our own clock the store
 * has the last word before anything starts. A run that is not ours is let go.
 */
export async function assureLease(active: ActiveRun, deps: RenewDeps): Promise<void> {
  while (deps.clock.monotonic() >= active.leaseUntil) {
    const before = active.leaseUntil;
    await whileStoreIsDown(() => renew([active], deps), deps.clock);
    if (active.leaseUntil === before) return;
  }
}

/**
 * Renews the leases of all active runs in one call, three times a lease, and passes on what the answer says:
 * a run that another worker holds is let go, a run that was cancelled is stopped.
 */
export function createLeaseKeeper({ store, runs, clock, log, leaseMs }: LeaseKeeperDeps): Service {
  const stopped = new AbortController();
  let loop: Promise<void> | undefined;

  const run = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      await clock.sleep(leaseMs / 3, stopped.signal).catch(() => {});
      await renew(runs.all(), { store, clock, leaseMs }).catch((err: unknown) => {
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
