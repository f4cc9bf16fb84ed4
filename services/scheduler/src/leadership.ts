import { type Clock, type Logger, newId, type Service } from '@moltbot/shared';
import type { Store } from '@moltbot/store';
import type { Term } from './term.ts';

export interface LeadershipDeps {
  readonly store: Pick<Store, 'acquireLease' | 'releaseLease'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly leaseMs: number;
  /** Leads until the term is over. Rejects only for a defect; the next term comes. */
  lead(term: Term): Promise<void>;
}

export interface Leadership extends Service {
  isLeading(): boolean;
}

const leaseName = 'scheduler';
/** Of the lease: how often it is renewed, and how long one that cannot be renewed is still relied on. */
const renewShare = 0.25;
const trustShare = 0.75;
/** Between two tries of one that does not lead, ms. */
const tryEveryMs = 500;

/** One instance leads at a time: it holds the lease of that name, and stops before another can hold it. */
export function createLeadership({ store, clock, log, leaseMs, lead }: LeadershipDeps): Leadership {
  const owner = newId();
  const stopped = new AbortController();
  let loop: Promise<void> | undefined;
  let term: Term | undefined;

  const acquire = () => store.acquireLease(leaseName, owner, leaseMs).catch(() => undefined);

  const serve = async (epoch: number, since: number): Promise<void> => {
    const over = new AbortController();
    let renewedAt = since;
    const current: Term = {
      epoch,
      signal: over.signal,
      isOver: () => over.signal.aborted || clock.monotonic() - renewedAt > leaseMs * trustShare,
    };
    term = current;
    log.info({ epoch }, 'leads');
    const leading = lead(current).catch((err: unknown) => log.error({ err }, 'could not lead'));
    while (!stopped.signal.aborted && !current.isOver()) {
      await clock.sleep(leaseMs * renewShare, stopped.signal).catch(() => {});
      if (stopped.signal.aborted) break;
      const asked = clock.monotonic();
      const lease = await acquire();
      // The epoch changes when the lease was over in between, or when the store has lost it.
      if (lease && !(lease.held && lease.epoch === epoch)) break;
      if (lease) renewedAt = asked;
    }
    over.abort();
    await leading;
    term = undefined;
    log.info({ epoch }, 'leads no more');
  };

  const run = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      const asked = clock.monotonic();
      const lease = await acquire();
      if (lease?.held) await serve(lease.epoch, asked);
      else await clock.sleep(tryEveryMs, stopped.signal).catch(() => {});
    }
  };
  const end = async (): Promise<void> => {
    stopped.abort();
    await loop;
  };

  return {
    name: 'leadership',
    isLeading: () => term !== undefined && !term.isOver(),
    async start() {
      loop = run();
    },
    async quiesce() {
      await end();
      // The next one need not wait for the lease to end.
      if (loop) await store.releaseLease(leaseName, owner).catch(() => {});
    },
    async stop() {
      await end();
      if (loop) await store.releaseLease(leaseName, owner).catch(() => {});
      loop = undefined;
    },
    health: () => ({ ok: true }),
  };
}
