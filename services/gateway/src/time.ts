import { z } from 'zod';

/** A time as HTTP shows it. */
export const time: z.ZodType<string, string> = z.string().meta({ format: 'date-time' });

/** Epoch ms to ISO-8601, UTC. */
export const isoTime = (ms: number): string => new Date(ms).toISOString();
