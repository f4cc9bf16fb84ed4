import { type Clock, type Logger, newId, type Service } from '@moltbot/shared';
import type { Store } from './port.ts';
import type { Term } from './term.ts';

export interface LeadershipDeps {
  /** Of the lease: instances of one name take turns. */
  readonly name: string;
  readonly store: Pick<Store, 'acquireLease' | 'releaseLease'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly leaseMs: number;
  /** Leads until the term is over. When it ends before, or rejects (a defect), the lease is let go, and another may lead. */
  lead(term: Term): Promise<void>;
}

export interface Leadership extends Service {
  isLeading(): boolean;
}

/** Of the lease: how often it is renewed, and how long one that cannot be renewed is still relied on. */
const renewShare = 0.25;
const trustShare = 0.75;
/** Between two tries of one that does not lead, ms, and as a share of the lease. */
const tryEvery = { atMostMs: 500, share: 0.2 } as const;

/** One instance leads at a time: it holds the lease of that name, and stops before another can hold it. */
export function createLeadership({ name, store, clock, log, leaseMs, lead }: LeadershipDeps): Leadership {
  const owner = newId();
  const tryEveryMs = Math.min(tryEvery.atMostMs, leaseMs * tryEvery.share);
  const stopped = new AbortController();
  let loop: Promise<void> | undefined;
  let term: Term | undefined;

  const acquire = () => store.acquireLease(name, owner, leaseMs).catch(() => undefined);

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
    const ended = new AbortController();
    const leading = lead(current)
      .catch((err: unknown) => log.error({ err }, 'could not lead'))
      .finally(() => ended.abort());
    const interrupted = AbortSignal.any([stopped.signal, ended.signal]);
    while (!interrupted.aborted && !current.isOver()) {
      await clock.sleep(leaseMs * renewShare, interrupted).catch(() => {});
      if (interrupted.aborted) break;
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
    if (stopped.signal.aborted || !ended.signal.aborted) return;
    // Another may do better; this one tries again when it has had the time to.
    await store.releaseLease(name, owner).catch(() => {});
    await clock.sleep(leaseMs, stopped.signal).catch(() => {});
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
      if (loop) await store.releaseLease(name, owner).catch(() => {});
    },
    async stop() {
      await end();
      if (loop) await store.releaseLease(name, owner).catch(() => {});
      loop = undefined;
    },
    health: () => ({ ok: true }),
  };
}
