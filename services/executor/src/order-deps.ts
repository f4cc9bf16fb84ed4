import type { PluginHost } from '@moltbot/plugin-host';
import type { OutputStream, Transport } from '@moltbot/plugin-sdk';
import type { Clock, Logger } from '@moltbot/shared';
import type { OutputWriter } from './output-writer.ts';
import type { Safety } from './retry-policy.ts';

/** What it takes to run the action of an order. */
export interface OrderDeps {
  readonly plugins: PluginHost;
  readonly transports: readonly Transport[];
  readonly output: OutputWriter;
  /** Records the start; rejects when the run must not start. Called once, before anything of it can happen. */
  readonly start: () => Promise<void>;
  /** Aborts with a `StopReason`. */
  readonly signal: AbortSignal;
  /** Aborts when the command is let go, and goes on without us. */
  readonly release: AbortSignal;
  /** Notes that the command printed something, of this many bytes. */
  readonly onOutput: (bytes: number) => void;
  readonly clock: Clock;
  readonly log: Logger;
  readonly safety: Safety;
  /** How long a guarded command that is out of sight is looked for, ms. */
  readonly reattachMs: number;
  /** What `local` is to this executor it is to all. */
  readonly isAlone: boolean;
  /** How long its target certainly remembers it, ms. */
  readonly memoryMs: number;
  readonly held: {
    /** 1 and up. */
    readonly attempt: number;
    /** Bytes of this attempt that are stored. */
    readonly ofAttempt: Readonly<Record<OutputStream, number>>;
    /** Epoch ms of an earlier start. */
    readonly startedAt?: number | undefined;
    /** Another worker may have started it. */
    readonly isTakeOver: boolean;
  };
}
