import type { AnyNotifier } from '@moltbot/plugin-sdk';
import type { Clock, Logger, Notification, NotificationsConfig, Registry } from '@moltbot/shared';
import type { NotificationStore, RecordStore } from '@moltbot/store';
import { openChannels } from './channels/channels.ts';
import { gatherDue } from './gather-due.ts';
import { notify } from './notify.ts';
import { createNotifyMetrics } from './notify-metrics.ts';
import { createQuietHours } from './quiet-hours.ts';
import { createSender } from './send-due.ts';

export interface NotificationsDeps {
  readonly config: NotificationsConfig;
  /** Whose notifications are delivered here. */
  readonly tenants: readonly string[];
  readonly store: NotificationStore & Pick<RecordStore, 'getRecord'>;
  /** Kinds of channels that plugins offer. */
  readonly notifiers: readonly AnyNotifier[];
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface Notifications {
  /**
   * Routes a notification and stores it: it resolves when it is durable, and whoever leads delivers it. Raising it again under its id
   * changes nothing. Where `to` names a channel that its tenant does not have, the log is told.
   * @throws MOLT_STORE_DOWN
   */
  notify(notification: Notification): Promise<void>;
  /**
   * A duty for whoever leads, every second: gathers what is due, holds it during quiet hours, sends, tries again. Two at once would do no
   * harm but copies under one id. Messages to slow channels go on after it has resolved; they end when the signal aborts, unsettled.
   * @throws MOLT_STORE_DOWN
   */
  deliverDue(signal: AbortSignal): Promise<void>;
  /** Breaks off what is on its way, and closes the channels. Once. */
  close(): Promise<void>;
}

/** @throws MOLT_BAD_CONFIG for a channel whose kind nobody offers, or whose options its kind refuses. Does no I/O. */
export function createNotifications(deps: NotificationsDeps): Notifications {
  const { config, tenants, store, clock, log, registry } = deps;
  const channels = openChannels(deps);
  const metrics = createNotifyMetrics(registry);
  const quietUntil = createQuietHours(config.quietHours);
  const sender = createSender({ config, store, channels, metrics, clock, log });
  const closing = new AbortController();
  const endsBy = joinedWith(closing.signal);
  return {
    async notify(notification) {
      await notify({ config, store, log }, notification);
    },
    async deliverDue(outer) {
      const signal = endsBy(outer);
      for (const tenant of tenants) {
        if (!signal.aborted) await gatherDue({ config, store, quietUntil, metrics, clock }, tenant, signal);
      }
      await Promise.all(tenants.map(async (tenant) => (signal.aborted ? undefined : sender.sendDue(tenant, signal))));
    },
    async close() {
      closing.abort();
      await sender.idle();
      await channels.close();
    },
  };
}

/** Joins signals with one of ours, anew for each other one alone: a round a second must not leave a signal each behind. */
function joinedWith(own: AbortSignal): (other: AbortSignal) => AbortSignal {
  const known = new WeakMap<AbortSignal, AbortSignal>();
  return (other) => {
    const joined = known.get(other) ?? AbortSignal.any([other, own]);
    known.set(other, joined);
    return joined;
  };
}
