import { Place, type TaskRecord } from '@moltbot/shared';
import { z } from 'zod';
import type { ChatMessage } from '../message.ts';

/** What an answer is about: a task that is followed to its end, a question that is followed to its decision, or words. */
export type PostSubject =
  /** `ended`: what its reply said of it, for when the store has forgotten the task. */
  | { readonly kind: 'task'; readonly taskId: string; readonly ended?: TaskRecord }
  | { readonly kind: 'question'; readonly id: string }
  | { readonly kind: 'notice'; readonly id: string }
  /** Words beside the whole output of a task. */
  | { readonly kind: 'output'; readonly message: ChatMessage; readonly taskId: string }
  | { readonly kind: 'words'; readonly message: ChatMessage };

/** One answer on its way: all that any instance needs to go on with it. */
export interface Post {
  /** The id of the task or event it answers: there is one answer to it. */
  readonly id: string;
  readonly tenant: string;
  readonly place: Place;
  /** Id of the message that is answered. */
  readonly replyTo?: string | undefined;
  readonly language: 'en' | 'zh-CN';
  readonly subject: PostSubject;
  /** Epoch ms. */
  readonly createdAt: number;
  /** Messages it has been shown in; the last one is edited. */
  readonly messages: readonly PostedMessage[];
  /** Place in `messages` of one whose making was begun: it may be there, and show something older. */
  readonly making?: number | undefined;
  /** Hash of what the last message shows. */
  readonly shown?: string | undefined;
  /** Files that have been attached. */
  readonly files: number;
}

interface PostedMessage {
  readonly id: string;
  /** Epoch ms. */
  readonly at: number;
  readonly edits: number;
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;

const subject: z.ZodType<PostSubject> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('task'), taskId: z.string(), ended: z.custom<TaskRecord>(isObject).exactOptional() }),
  z.object({ kind: z.literal('question'), id: z.string() }),
  z.object({ kind: z.literal('notice'), id: z.string() }),
  z.object({ kind: z.literal('output'), message: z.custom<ChatMessage>(isObject), taskId: z.string() }),
  z.object({ kind: z.literal('words'), message: z.custom<ChatMessage>(isObject) }),
]);

export const Post: z.ZodType<Post> = z.object({
  id: z.string(),
  tenant: z.string(),
  place: Place,
  replyTo: z.string().optional(),
  language: z.enum(['en', 'zh-CN']),
  subject,
  createdAt: z.int(),
  messages: z.array(z.object({ id: z.string(), at: z.int(), edits: z.int() })),
  making: z.int().optional(),
  shown: z.string().optional(),
  files: z.int(),
});
