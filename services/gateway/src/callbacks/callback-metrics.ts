import { counter, gauge, histogram, type Registry } from '@moltbot/shared';

/**
 * What became of one delivery of a reply.
 * - `delivered`, `duplicate`: the receiver has it now, had it before.
 * - `retried`: a try failed, another follows. `refused` (410, or no usable address), `given-up`: it went to the dead letters.
 * - `waited`: the receiver had no place free; no try was made. `handed-back`: this process stops.
 */
export type CallbackOutcome = 'delivered' | 'duplicate' | 'retried' | 'refused' | 'given-up' | 'waited' | 'handed-back';

export interface CallbackMetrics {
  count(outcome: CallbackOutcome): void;
  /** @param seconds from the end of the task */
  delivered(seconds: number): void;
}

/** Registers the figures of the callbacks. Call it once a registry. */
export function createCallbackMetrics(registry: Registry, inFlight: () => number): CallbackMetrics {
  const outcomes = counter(registry, {
    name: 'moltbot_callbacks_total',
    help: 'Deliveries of replies to callbacks, by what became of them.',
    labelNames: ['outcome'],
  });
  const lateness = histogram(registry, {
    name: 'moltbot_callback_seconds',
    help: 'Seconds from the end of a task to the delivery of its callback.',
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200, 28_800, 86_400],
  });
  const posts = gauge(registry, {
    name: 'moltbot_callbacks_in_flight',
    help: 'Posts to callbacks that are under way.',
    collect: () => posts.set(inFlight()),
  });
  return {
    count: (outcome) => outcomes.inc({ outcome }),
    delivered: (seconds) => lateness.observe(seconds),
  };
}
