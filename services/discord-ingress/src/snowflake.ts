/** Ids of Discord are moments: 42 bits of milliseconds since 2015. https://discord.com/developers/docs/reference#snowflakes */
const epochMs = 1_420_070_400_000;

/** Epoch ms. */
export const timeOf = (id: string): number => Number(BigInt(id) >> 22n) + epochMs;

/** The first id of a moment. */
export const idAt = (ms: number): string => String(BigInt(Math.max(0, Math.floor(ms) - epochMs)) << 22n);

export const isAfter = (id: string, other: string): boolean => BigInt(id) > BigInt(other);

export const later = (id: string, other: string): string => (isAfter(id, other) ? id : other);
