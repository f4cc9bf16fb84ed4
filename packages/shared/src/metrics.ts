import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** A registry with the process's own figures; each service makes one, tests as many as they like. */
export function createRegistry(service: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  return registry;
}

export interface MetricOptions {
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly string[];
}

const withRegistry = (registry: Registry, options: MetricOptions) => ({
  name: options.name,
  help: options.help,
  labelNames: [...(options.labelNames ?? [])],
  registers: [registry],
});

/** Asked for again under its name, it is the same one: parts of which a process has several share theirs, by labels. */
export function counter(registry: Registry, options: MetricOptions): Counter {
  const known = registry.getSingleMetric(options.name);
  return known instanceof Counter ? known : new Counter(withRegistry(registry, options));
}

/** @param options `collect` is called before each scrape, to set the present value */
export function gauge(registry: Registry, options: MetricOptions & { readonly collect?: () => void }): Gauge {
  const known = registry.getSingleMetric(options.name);
  if (known instanceof Gauge) return known;
  return new Gauge({ ...withRegistry(registry, options), ...(options.collect ? { collect: options.collect } : {}) });
}

/** Buckets in seconds; default from 1 ms to 10 min. */
export function histogram(
  registry: Registry,
  options: MetricOptions & { readonly buckets?: readonly number[] },
): Histogram {
  const known = registry.getSingleMetric(options.name);
  if (known instanceof Histogram) return known;
  return new Histogram({
    ...withRegistry(registry, options),
    buckets: [
      ...(options.buckets ?? [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600]),
    ],
  });
}
