import type { NotificationStore, StoredBatch } from '@moltbot/store';
import { type SendDeps, sendBatch } from './send-batch.ts';

export interface SendDueDeps extends SendDeps {
  readonly store: Pick<NotificationStore, 'dueBatches' | 'settleBatch'>;
}

export interface Sender {
  /** Sends what is due of a tenant. Resolves when that is done, or soon: a channel that is slow goes on by itself. @throws MOLT_STORE_DOWN */
  sendDue(tenant: string, signal: AbortSignal): Promise<void>;
  /** Resolves when nothing is on its way. */
  idle(): Promise<void>;
}

const batchesPerRound = 100;
/** A channel that failed is left alone for so long, ms, whatever else is due. */
const restMs = 5_000;
/** So long a round waits for its channels, ms. */
const patienceMs = 1_000;

/** One message at a time in each channel, the channels side by side: one that hangs does not keep the others waiting. */
export function createSender(deps: SendDueDeps): Sender {
  const { store, clock, log } = deps;
  const lanes = new Map<string, Promise<void>>();
  const restUntil = new Map<string, number>();

  const runLane = async (lane: string, batches: readonly StoredBatch[], signal: AbortSignal): Promise<void> => {
    try {
      for (const batch of batches) {
        if (signal.aborted) return;
        if (await sendBatch(deps, batch, signal)) continue;
        restUntil.set(lane, clock.monotonic() + restMs);
        return;
      }
      restUntil.delete(lane);
    } catch (err) {
      if (!signal.aborted) log.warn({ err, lane }, 'what became of a message could not be noted; it may be sent again');
    } finally {
      lanes.delete(lane);
    }
  };

  return {
    async sendDue(tenant, signal) {
      const due = await store.dueBatches(tenant, batchesPerRound);
      const started: Promise<void>[] = [];
      for (const [channel, batches] of Map.groupBy(due, (batch) => batch.channel)) {
        const lane = `${tenant} ${channel}`;
        if (lanes.has(lane) || (restUntil.get(lane) ?? 0) > clock.monotonic()) continue;
        const running = runLane(lane, batches, signal);
        lanes.set(lane, running);
        started.push(running);
      }
      await orSoon(started);
    },
    async idle() {
      while (lanes.size > 0) await Promise.all(lanes.values());
    },
  };
}

async function orSoon(work: readonly Promise<void>[]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, patienceMs);
  await Promise.race([Promise.all(work), promise]);
  clearTimeout(timer);
}
