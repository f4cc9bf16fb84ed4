import type { PluginHost } from '@moltbot/plugin-host';
import type { Transport } from '@moltbot/plugin-sdk';
import type { Clock, Logger } from '@moltbot/shared';
import type { Store } from '@moltbot/store';
import type { ActiveRuns } from './active-runs.ts';
import type { ExecutorMetrics } from './executor-metrics.ts';

/** What it takes to bring a run to its end. */
export interface RunDeps {
  readonly store: Store;
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
}
