/** Runs `count` operations, `inFlight` at a time, each in a lane of its own: 0 to `inFlight` - 1. */
export async function measure({ count, inFlight }, operation) {
  const latencies = [];
  let next = 0;
  const begin = performance.now();
  const work = async (lane) => {
    while (next < count) {
      next += 1;
      const before = performance.now();
      await operation(lane);
      latencies.push(performance.now() - before);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, (_, lane) => work(lane)));
  const seconds = (performance.now() - begin) / 1_000;
  latencies.sort((a, b) => a - b);
  return { perSecond: count / seconds, p50Ms: quantile(latencies, 0.5), p99Ms: quantile(latencies, 0.99) };
}
const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
export const median = (values) =>
  quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
//# sourceMappingURL=measure.js.map
