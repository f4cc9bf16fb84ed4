import { z } from 'zod';

/** Where a command came from and where its answer goes. */
export type Origin = HttpOrigin | ScheduleOrigin | ChatOrigin;

/** A place in a chat where messages can be. */
export interface Place {
  /** Id of the guild, where the platform has such a thing. */
  readonly guild?: string | undefined;
  /** Id of the channel or chat. */
  readonly channel: string;
  /** Id of the thread in it. */
  readonly thread?: string | undefined;
}

export const chatPlatforms = ['discord', 'lark'] as const;
export type ChatPlatformName = (typeof chatPlatforms)[number];

interface ChatOrigin extends Answered {
  readonly kind: 'chat';
  readonly platform: ChatPlatformName;
  /** Which bot: its name in the configuration. */
  readonly account: string;
  readonly place: Place;
  /** Id of the message or interaction that asked. */
  readonly event: string;
  /** Id of the message that is answered, where there is one. */
  readonly message?: string | undefined;
  /** Id of a message of ours that stands there already, for the answer. */
  readonly answer?: string | undefined;
  /** Id of who asked, as the platform knows them. */
  readonly actor: string;
  /** Of the answer. */
  readonly language: 'en' | 'zh-CN';
}

/** Where the end of a task is told. */
export type ReplyPlatform = 'http' | ChatPlatformName;
export const replyPlatforms: readonly ReplyPlatform[] = ['http', ...chatPlatforms];

/** Where the end of a task with this origin is told; undefined when nobody waits for it. */
export function replyPlatformOf(origin: Origin): ReplyPlatform | undefined {
  if (origin.kind === 'chat') return origin.platform;
  return origin.callback && 'http';
}

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

export const Place: z.ZodType<Place> = z.strictObject({
  guild: z.string().optional(),
  channel: z.string(),
  thread: z.string().optional(),
});

export const Origin: z.ZodType<Origin> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('http'), requestId: z.string(), callback: Callback.optional() }),
  z.strictObject({ kind: z.literal('schedule'), scheduleId: z.string(), at: z.int(), callback: Callback.optional() }),
  z.strictObject({
    ...{ kind: z.literal('chat'), platform: z.enum(chatPlatforms), account: z.string(), place: Place },
    ...{ event: z.string(), message: z.string().optional(), answer: z.string().optional() },
    ...{ actor: z.string(), language: z.enum(['en', 'zh-CN']), callback: Callback.optional() },
  }),
]);
