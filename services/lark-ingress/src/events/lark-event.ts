import { z } from 'zod';

/** Somebody said something; as it is kept until it is dealt with. */
export interface LarkSaid {
  readonly kind: 'said';
  /** Of the message. */
  readonly id: string;
  /** When it was said, epoch ms, by the platform's clock. */
  readonly at: number;
  readonly chat: string;
  readonly isPrivate: boolean;
  readonly thread?: string | undefined;
  /** The message that it replies to. */
  readonly parent?: string | undefined;
  /** Open id. */
  readonly sender: string;
  /** With `@_user_1` and the like where somebody is mentioned. */
  readonly text: string;
  readonly mentions: readonly LarkMention[];
}

export interface LarkMention {
  readonly key: string;
  /** Open id. */
  readonly id: string;
  readonly name: string;
}

/** Somebody pressed a button of ours. */
export interface LarkPressed {
  readonly kind: 'pressed';
  /** The same for every delivery. */
  readonly id: string;
  readonly at: number;
  readonly chat: string;
  readonly message: string;
  /** Open id. */
  readonly operator: string;
  readonly button: string;
}

export type LarkEvent = LarkSaid | LarkPressed;

export const LarkEvent: z.ZodType<LarkEvent> = z.discriminatedUnion('kind', [
  z.strictObject({
    ...{ kind: z.literal('said'), id: z.string(), at: z.number(), chat: z.string(), isPrivate: z.boolean() },
    ...{ thread: z.string().optional(), parent: z.string().optional(), sender: z.string(), text: z.string() },
    mentions: z.array(z.strictObject({ key: z.string(), id: z.string(), name: z.string() })),
  }),
  z.strictObject({
    ...{ kind: z.literal('pressed'), id: z.string(), at: z.number(), chat: z.string(), message: z.string() },
    ...{ operator: z.string(), button: z.string() },
  }),
]);
