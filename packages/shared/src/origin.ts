import { z } from 'zod';

/** Where a command came from and where its answer goes. Platforms add their kinds beside these. */
export type Origin = HttpOrigin | ScheduleOrigin;

interface Answered {
  readonly callback?: Callback | undefined;
}

interface HttpOrigin extends Answered {
  readonly kind: 'http';
  /** The id the client gave the request, or the one the gateway made. */
  readonly requestId: string;
}

interface ScheduleOrigin extends Answered {
  readonly kind: 'schedule';
  readonly scheduleId: string;
  /** The instant of the occurrence, epoch ms. */
  readonly at: number;
}

/** Where the end of a task is posted to (https://www.standardwebhooks.com). */
export interface Callback {
  readonly url: string;
  /** `whsec_` and base64 of 24 to 64 bytes. It travels with the task and is never shown. */
  readonly secret: string;
}

export const Callback: z.ZodType<Callback, Callback> = z.strictObject({
  url: z
    .url({ protocol: /^https?$/, error: 'write an http:// or https:// URL' })
    .max(2_048)
    .describe('Where the end of the task is posted to.'),
  secret: z
    .string()
    .regex(
      /^whsec_(?=[A-Za-z0-9+/]{32,86}={0,2}$)(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/,
      'write whsec_ and the base64 of 24 to 64 random bytes',
    )
    .describe('Signs the posts (HMAC SHA-256, Standard Webhooks): whsec_ and base64.'),
});

export const Origin: z.ZodType<Origin> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('http'), requestId: z.string(), callback: Callback.optional() }),
  z.strictObject({ kind: z.literal('schedule'), scheduleId: z.string(), at: z.int(), callback: Callback.optional() }),
]);
