import { counter, histogram, type Registry } from '@moltbot/shared';

/**
 * What became of notifications in their channels.
 * - `held` until the end of quiet hours; `repeated`: counted by one that is told.
 * - `sent`; `retried`: a try failed, another follows; `refused` by the receiver for good, `given-up` after a long time.
 */
export type NotifyOutcome = 'held' | 'repeated' | 'sent' | 'retried' | 'refused' | 'given-up';

export interface NotifyMetrics {
  count(outcome: NotifyOutcome, notifications: number): void;
  /** @param seconds from what happened to the delivery */
  sent(seconds: number): void;
}

/** Registers the figures of notifications. Call it once a registry. */
export function createNotifyMetrics(registry: Registry): NotifyMetrics {
  const outcomes = counter(registry, {
    name: 'moltbot_notifications_total',
    help: 'Notifications in their channels, by what became of them.',
    labelNames: ['outcome'],
  });
  const lateness = histogram(registry, {
    name: 'moltbot_notification_seconds',
    help: 'Seconds from the making of a message to its delivery.',
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200, 28_800, 86_400],
  });
  return {
    count: (outcome, notifications) => outcomes.inc({ outcome }, notifications),
    sent: (seconds) => lateness.observe(seconds),
  };
}
