import type { Place } from '@moltbot/shared';
import type { Attachment } from './incoming.ts';
import type { ChatMessage } from './message.ts';

/** What a platform can take, in numbers that its adapter knows. */
export interface PlatformLimits {
  /** Characters of output that one message can show beside the rest of it. */
  readonly tailCharacters: number;
  /** Of one file. */
  readonly fileBytes: number;
  /** Between two edits of one message, at least, ms. */
  readonly editEveryMs: number;
  /** Posts and edits of one channel in any `perMs`; what is final may use all, progress leaves `reserve` of them. */
  readonly channel: { readonly calls: number; readonly perMs: number; readonly reserve: number };
  /** A message that was edited so often, or is so old, is left as it is, and goes on in a new one. */
  readonly editsPerMessage: number;
  readonly editableForMs: number;
  /** Colours of a terminal can be shown. */
  readonly hasAnsi: boolean;
}

export interface PostOptions {
  /** At most 25 characters. Posts with the same one come to one message, for some minutes at least. */
  readonly nonce: string;
  /** Id of the message that is answered; it may be gone. */
  readonly replyTo?: string | undefined;
  readonly signal: AbortSignal;
}

/**
 * What an adapter does for the chat. Rejections are MoltErrors:
 * - MOLT_CHAT_LIMITED: too much at once; `details.retryAfterMs`. Nothing was done.
 * - MOLT_CHAT_DOWN: not now, and it may have been done: ask again with the same nonce.
 * - MOLT_CHAT_GONE: message, thread or channel is no more.
 * - MOLT_CHAT_REFUSED: never like this (no permission, a body that it does not take).
 */
export interface ChatPlatform {
  readonly name: 'discord' | 'lark';
  /** Which bot of the platform: its name in the configuration. */
  readonly account: string;
  readonly limits: PlatformLimits;
  /** @returns the id by which it is edited; opaque to all others */
  post(place: Place, message: ChatMessage, options: PostOptions): Promise<string>;
  edit(place: Place, messageId: string, message: ChatMessage, signal: AbortSignal): Promise<void>;
  /** Whole files beside a message, in its thread where there is one. */
  attach(place: Place, files: readonly ChatFile[], options: PostOptions): Promise<void>;
  /** @throws MOLT_CHAT_REFUSED when it is larger than `maxBytes` */
  download(
    place: Place,
    attachment: Attachment,
    options: { readonly maxBytes: number; readonly signal: AbortSignal },
  ): Promise<Buffer>;
}

export interface ChatFile {
  readonly name: string;
  readonly bytes: Buffer;
  /** To be shown as such, where the platform does not tell by the name. */
  readonly isImage?: boolean;
}
