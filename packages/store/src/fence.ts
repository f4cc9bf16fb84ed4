/**
 * The number that puts a new holder above all before it. It follows the clock, so that it grows even over a store that lost
 * its records: a worker from before cannot be taken for the one that holds now.
 */
export const nextFence = (last: number, now: number): number => Math.max(last + 1, now);
