import { type Counter, counter, type Gauge, gauge, type Histogram, histogram, type Registry } from '@moltbot/shared';

export interface GatewayMetrics {
  /** Seconds from the request line to the end of the response, by method, route and status class. */
  readonly requests: Histogram;
  /** New tasks, by action. */
  readonly accepted: Counter;
  readonly openStreams: Gauge;
  readonly openWaits: Gauge;
}

/** Registers the gateway's figures. Call it once a registry. */
export function createGatewayMetrics(registry: Registry): GatewayMetrics {
  return {
    requests: histogram(registry, {
      name: 'moltbot_http_request_duration_seconds',
      help: 'Time from a request to the end of its response.',
      labelNames: ['method', 'route', 'status'],
    }),
    accepted: counter(registry, {
      name: 'moltbot_tasks_accepted_total',
      help: 'Tasks accepted over HTTP.',
      labelNames: ['action'],
    }),
    openStreams: gauge(registry, { name: 'moltbot_event_streams_open', help: 'Event streams being sent.' }),
    openWaits: gauge(registry, { name: 'moltbot_waits_open', help: 'Requests that wait for their task to end.' }),
  };
}
