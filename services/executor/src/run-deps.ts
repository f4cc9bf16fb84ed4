import type { Bus } from '@moltbot/bus';
import type { PluginHost } from '@moltbot/plugin-host';
import type { Transport } from '@moltbot/plugin-sdk';
import type { Clock, Logger } from '@moltbot/shared';
import type { Store } from '@moltbot/store';
import type { ActiveRuns } from './active-runs.ts';
import type { ExecutorMetrics } from './executor-metrics.ts';
import type { ForgottenCancels } from './forgotten-cancels.ts';
import type { Leftovers } from './leftovers.ts';

/** What it takes to bring a run to its end. */
export interface RunDeps {
  readonly store: Store;
  readonly bus: Pick<Bus, 'publish' | 'declare'>;
  readonly plugins: PluginHost;
  readonly transports: readonly Transport[];
  readonly runs: ActiveRuns;
  readonly metrics: ExecutorMetrics;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called with the bytes of output that passed through. */
  readonly collectAfter: (bytes: number) => void;
  /** Name of this process in leases. */
  readonly worker: string;
  readonly leaseMs: number;
  /** `executor.watchAfter`. */
  readonly watchAfterMs: number;
  readonly isAlone: boolean;
  readonly patience: Patience;
  readonly leftovers: Pick<Leftovers, 'note'>;
  readonly forgottenCancels: ForgottenCancels;
  /** Aborts when runs are handed over: nothing waits any more. */
  readonly stopping: AbortSignal;
}

/** With a target where a guarded command of ours may run. */
export interface Patience {
  /** How long one that cannot be reached is tried again at once, in the slot of the run, ms. */
  readonly reattachMs: number;
  /** How long after the latest end the run can have it is looked for, ms. */
  readonly giveUpMs: number;
  /** How long it certainly remembers a command, ms: `guard.retention`. */
  readonly memoryMs: number;
}

export const patience: Patience = { reattachMs: 10_000, giveUpMs: 15 * 60_000, memoryMs: 72 * 3_600_000 };
