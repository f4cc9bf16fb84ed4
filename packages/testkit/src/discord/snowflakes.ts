/** Discord's ids: 42 bits of milliseconds since 2015, then a counter. https://discord.com/developers/docs/reference#snowflakes */
const epoch = 1_420_070_400_000;

/** Makes ids that only grow, as two messages of one millisecond must keep their order. */
export function createSnowflakes(): () => string {
  let last = 0n;
  return () => {
    const now = BigInt(Date.now() - epoch) << 22n;
    last = now > last ? now : last + 1n;
    return String(last);
  };
}

/** Oldest first. */
export const byAge = (a: { readonly id: string }, b: { readonly id: string }): number =>
  a.id.length - b.id.length || (a.id < b.id ? -1 : Number(a.id > b.id));
