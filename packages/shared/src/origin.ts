import { z } from 'zod';

/** Where a command came from and where its answer goes. Platforms add their kinds beside `http`. */
export interface Origin {
  readonly kind: 'http';
  /** The id the client gave the request, or the one the gateway made. */
  readonly requestId: string;
}

export const Origin: z.ZodType<Origin> = z.strictObject({ kind: z.literal('http'), requestId: z.string() });
