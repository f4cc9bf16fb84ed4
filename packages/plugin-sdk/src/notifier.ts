import { type Logger, MoltError, type Notification, type Severity } from '@moltbot/shared';
import type { ZodType } from 'zod';

/** One thing that people are told, and how often the same came since they were told last. */
export interface NotificationItem {
  readonly notification: Notification;
  /** Others with the same key that are not told by themselves. */
  readonly repeats: number;
}

/** What a channel is given to send at once: one message to people. */
export interface NotificationBatch {
  /** The same at every try, so that receivers can tell copies. */
  readonly id: string;
  readonly tenant: string;
  /** Name of the channel. */
  readonly channel: string;
  /** Epoch ms of its making. */
  readonly at: number;
  /** `digest`: what was held during quiet hours. */
  readonly kind: 'now' | 'digest';
  /** The gravest of its items. */
  readonly severity: Severity;
  /** In order of time; one at least. */
  readonly items: readonly NotificationItem[];
}

export interface SendContext {
  /** Aborts when time is up or the process stops: the batch is sent again, under the same id. */
  readonly signal: AbortSignal;
  /** Carries the names of channel and batch. */
  readonly log: Logger;
}

/** An open channel of some kind. */
export interface NotifierChannel {
  /**
   * Resolves when the receiver has taken it. Rejections are tried again, later and later, unless they are made by `sendRefused`.
   */
  send(batch: NotificationBatch, context: SendContext): Promise<void>;
  close(): Promise<void>;
}

/** A kind of channel that a plugin offers: `notifications.channels.<name>.kind` names it. */
export interface Notifier<O = unknown> {
  readonly kind: string;
  readonly summary: string;
  /** What stands under `options` of such a channel; references are resolved. */
  readonly options: ZodType<O>;
  /** Does no I/O: a receiver that is away is no reason not to start. */
  create(options: O): NotifierChannel;
}

/** A notifier of any options, as registries hold it. */
// biome-ignore lint/suspicious/noExplicitAny: the type of the options is contravariant; only who has parsed them with `options` calls `create`.
export type AnyNotifier = Notifier<any>;

/** Gives a notifier the type of its options from its schema. */
export const defineNotifier = <O>(notifier: Notifier<O>): Notifier<O> => notifier;

/** Not now: it is tried again, at the earliest after `retryAfterMs`. */
export const sendFailed = (
  why: string,
  { retryAfterMs, cause }: { readonly retryAfterMs?: number | undefined; readonly cause?: unknown } = {},
): MoltError =>
  new MoltError('MOLT_NOTIFY_FAILED', why, { cause, ...(retryAfterMs !== undefined && { details: { retryAfterMs } }) });

/** Never: this batch is not tried again. */
export const sendRefused = (why: string, { cause }: { readonly cause?: unknown } = {}): MoltError =>
  new MoltError('MOLT_NOTIFY_REFUSED', why, { cause });
