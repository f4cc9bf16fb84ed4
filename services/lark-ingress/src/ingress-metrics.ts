import { counter, gauge, type Registry } from '@moltbot/shared';

/** What became of an event: taken in, known already, not for us, not understood; or dealt with, or not yet. */
export type EventOutcome = 'new' | 'known' | 'ignored' | 'handled' | 'failed' | 'given-up' | 'missed';

export interface IngressMetrics {
  event(outcome: EventOutcome): void;
  setConnected(isConnected: boolean): void;
}

export function createIngressMetrics(registry: Registry, account: string): IngressMetrics {
  const events = counter(registry, {
    name: 'moltbot_lark_events_total',
    help: 'Events of Lark by what became of them; missed ones were found in the history of a chat.',
    labelNames: ['account', 'outcome'],
  });
  const connected = gauge(registry, {
    name: 'moltbot_lark_connected',
    help: '1 while this instance has its long connection, or listens for webhooks.',
    labelNames: ['account'],
  });
  return {
    event: (outcome) => events.inc({ account, outcome }),
    setConnected: (isConnected) => connected.set({ account }, Number(isConnected)),
  };
}
