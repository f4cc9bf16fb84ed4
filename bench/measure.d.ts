/** What a number of operations took. */
export interface Sample {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}
/** Runs `count` operations, `inFlight` at a time, each in a lane of its own: 0 to `inFlight` - 1. */
export declare function measure(
  {
    count,
    inFlight,
  }: {
    readonly count: number;
    readonly inFlight: number;
  },
  operation: (lane: number) => Promise<unknown>,
): Promise<Sample>;
export declare const median: (values: readonly number[]) => number;
