import type { Fields } from './fields.ts';
import type { Locale } from './options.ts';

export interface Tenant {
  /** What events and messages call it. */
  readonly key: string;
  readonly name: string;
}

/** A human with an account. */
export interface Person {
  readonly kind: 'person';
  readonly tenant: Tenant;
  readonly name: string;
  readonly displayName: string;
  readonly locale: Locale;
  readonly userId: string;
  readonly unionId: string;
}

/** A self-built app, and its bot. */
export interface App {
  readonly kind: 'app';
  readonly tenant: Tenant;
  readonly name: string;
  readonly botName: string;
  readonly id: string;
  readonly secret: string;
  readonly encryptKey: string;
  readonly verificationToken: string;
  readonly scopes: ReadonlySet<string>;
}

/** A group, or the talk of one user with one bot. */
export interface Chat {
  readonly id: string;
  readonly kind: 'group' | 'p2p';
  readonly tenant: Tenant;
  /** Empty for a talk of two. */
  readonly name: string;
  readonly people: ReadonlySet<Person>;
  readonly bots: Set<App>;
}

/** Someone named in a message, under the placeholder that stands in its text. */
export interface Mention {
  /** `@_user_1` */
  readonly key: string;
  readonly whom: Person | App;
}

export type MessageBody =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'post'; readonly post: Fields }
  | { readonly type: 'image'; readonly imageKey: string }
  | { readonly type: 'file'; readonly fileKey: string; readonly fileName: string }
  | { readonly type: 'interactive'; readonly card: Fields };

/** A message and what became of it. */
export interface StoredMessage {
  readonly id: string;
  readonly chat: Chat;
  readonly author: Person | App;
  readonly uuid: string | undefined;
  /** The first message of the tree of replies, and the one that is replied to. */
  readonly root: StoredMessage | undefined;
  readonly parent: StoredMessage | undefined;
  /** Id of the card entity that it shows. */
  readonly cardId: string | undefined;
  /** The last is how it is now. */
  readonly versions: MessageVersion[];
  threadId: string | undefined;
  /** Epoch milliseconds. */
  createdAt: number;
  updatedAt: number;
  deletedAt: number | undefined;
  /** Of its text, by its author. */
  edits: number;
}

export interface MessageVersion {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly body: MessageBody;
  /** Who stands behind the placeholders of a text. */
  readonly mentions: readonly Mention[];
}

/** A notification that a mention caused. */
export interface Ping {
  readonly messageId: string;
  /** Name of the user, or `all`. */
  readonly name: string;
}

export const bodyOf = (message: StoredMessage): MessageBody => current(message).body;
export const mentionsOf = (message: StoredMessage): readonly Mention[] => current(message).mentions;

function current({ versions }: StoredMessage): MessageVersion {
  const last = versions.at(-1);
  if (!last) throw new Error('a message has a version from the beginning');
  return last;
}
